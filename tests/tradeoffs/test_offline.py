"""Nothing is fetched or told to anybody that the user did not name."""

import socket
from pathlib import Path
from typing import Any

import pytest

from regard.cli import main
from tests.tradeoffs.inspect_runs import tiny_plan


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whatever tried to reach another machine, or to find its address; none succeeds."""
    tried: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        tried.append(arguments)
        raise OSError("there is no network in this test")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


@pytest.mark.slow
def test_a_run_its_verdict_and_its_page_reach_for_no_network(
    connections: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, logs = tmp_path / "plan.json", tmp_path / "logs"
    tiny_plan(runs=1).write(plan)
    arguments = ["tradeoffs", "run", str(plan), "--log-dir", str(logs)]
    assert main([*arguments, "--model", "respondent/always-max"]) == 0
    assert main(["tradeoffs", "verdict", str(logs), "--json"]) == 0
    page = ["tradeoffs", "report", str(logs), "--all-logs", str(logs)]
    assert main([*page, "--out", str(tmp_path / "page.html")]) == 0
    assert connections == []
    capsys.readouterr()
    # The check itself sees a call that is made.
    with pytest.raises(OSError, match="no network"):
        socket.create_connection(("127.0.0.1", 9))
    assert connections != []
