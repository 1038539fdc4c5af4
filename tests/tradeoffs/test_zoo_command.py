import json

import pytest

from regard.cli import main
from regard.tradeoffs import zoo_command
from regard.tradeoffs.zoo import ZooCounts


def test_json_holds_counts_and_allowed_verdicts_only(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--draws", "1", "--seed", "1", "--kinds", "rambler", "--workers", "1", "--json"]
    assert main(["tradeoffs", "zoo", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "counts": {"rambler": {"not measurable: reading": 1}},
        "allowed": {"rambler": ["not measurable: reading"]},
    }


def test_a_false_trade_off_is_a_failure_and_is_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = ZooCounts(
        counts={"word-averse": {"trade-off": 1}},
        allowed={"word-averse": ["reacts to stated penalties"]},
    )
    monkeypatch.setattr(zoo_command, "count_verdicts", lambda *_, **__: counts)
    assert zoo_command.main(["--kinds", "word-averse"]) == 1
    assert "trade-off (!)" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--draws", "0"], ["--kinds", "parrot"]])
def test_what_cannot_be_drawn_is_refused_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "zoo", *arguments]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tradeoffs", "zoo", "--help"]) == 0
    assert "Example: regard tradeoffs zoo" in capsys.readouterr().out
