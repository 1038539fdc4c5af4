"""`regard tradeoffs run` estimates, refuses and runs."""

import json
from pathlib import Path

import pytest

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.run_command import main, parse_arguments
from tests.tradeoffs.inspect_runs import tiny_plan


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    tiny_plan(runs=1).write(path)
    return path


def test_an_estimate_asks_nothing_and_prices_come_from_the_file(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('["a/b"]\ninput = 3\noutput = 15\ncurrency = "EUR"\n', encoding="utf-8")
    arguments = [str(plan), "--model", "a/b", "--estimate-only", "--json"]
    arguments += ["--log-dir", str(tmp_path / "logs")]
    assert main([*arguments, "--prices", str(prices)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["calls"], shown["currency"], shown["state"]) == (16, "EUR", "nothing was asked")
    main([each for each in arguments if each != "--json"] + ["--prices", str(prices)])
    words = f"{shown['cost']:.2f} to {shown['most_cost']:.2f} EUR"
    assert words in capsys.readouterr().out
    main(arguments)
    assert "cost" not in json.loads(capsys.readouterr().out)
    assert not (tmp_path / "logs").exists()


def test_a_run_says_what_it_takes_asks_and_finds_nothing_left(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(plan), "--model", "respondent/always-max", "--log-dir", str(tmp_path / "logs")]
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert "16 calls" in captured.err
    assert json.loads(captured.out)["state"] == "done"
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "everything is answered"


def test_provider_arguments_are_read_as_json_where_they_are() -> None:
    assert parse_arguments(["seed=3", "device=cpu"]) == (("seed", 3), ("device", "cpu"))
    with pytest.raises(TradeoffsError, match="write NAME=VALUE"):
        parse_arguments(["seed"])


def test_connections_are_at_least_one(plan: Path) -> None:
    with pytest.raises(TradeoffsError, match="--connections 0: at least 1"):
        main([str(plan), "--connections", "0"])
