import json
from pathlib import Path

import pytest

from regard.cli import main
from regard.tradeoffs import compare_command
from tests.tradeoffs.report.runs import run_of
from tests.tradeoffs.tables import played

RUNS = {
    "one": run_of(played(answers=5, slope=1.5, threshold=3.0, price=0.7), model="one"),
    "two": run_of(played(answers=5, weight_pain=0.0), model="two"),
}


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(compare_command, "read_run", lambda path: RUNS[path.name])
    return list(RUNS)


def test_json_has_one_entry_a_model_and_target(
    logs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "compare", *logs, "--json"]) == 0
    assert [row["model"] for row in json.loads(capsys.readouterr().out)] == [
        "one",
        "one",
        "two",
        "two",
    ]


def test_people_see_what_does_not_hold_after_the_correction(
    logs: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["tradeoffs", "compare", *logs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("trade-off" in line and "(no)" not in line for line in lines)
    assert sum("(no)" in line for line in lines) == 3


def test_long_names_of_models_stay_whole_on_a_narrow_terminal(
    logs: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "some-provider/some-organisation/a-model-of-7b"
    monkeypatch.setitem(RUNS, "two", run_of(played(answers=5, weight_pain=0.0), model=name))
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["tradeoffs", "compare", *logs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "".join(line[1:].split(" ")[0] for line in lines).count(name) == 2


def test_a_missing_log_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tradeoffs", "compare", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
