import json

import pytest

from regard import cli


def found(capsys: pytest.CaptureFixture, *arguments: str) -> list[dict]:
    assert cli.main(["cost", "sweep", "--models", "step3", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_combination_is_a_line(capsys: pytest.CaptureFixture) -> None:
    lines = found(
        capsys,
        *("--contexts", "4k", "8k", "--price-factors", "1", "2"),
        *("--kv-formats", "fp8", "bf16", "--drafted", "0", "1", "--acceptance", "0.7"),
    )
    assert len(lines) == 16
    assert len({tuple(each.items()) for each in lines}) == 16


def test_prices_scale_and_contexts_cost(capsys: pytest.CaptureFixture) -> None:
    near, dear = found(capsys, "--contexts", "8k", "--price-factors", "1", "2")
    assert dear["afd_usd"] == pytest.approx(2 * near["afd_usd"])
    costs = [each["afd_usd"] for each in found(capsys, "--contexts", "4k", "8k", "32k")]
    assert costs == sorted(costs)


def test_a_draft_that_is_always_kept_makes_reading_cheaper(capsys: pytest.CaptureFixture) -> None:
    arguments = ("--contexts", "32k", "--drafted", "0", "1", "--acceptance", "1")
    plain, drafted = found(capsys, *arguments)
    assert drafted["afd_usd"] < plain["afd_usd"]


def test_drafts_without_an_acceptance_are_refused(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", "sweep", "--drafted", "2"]) == 1
    assert "--acceptance" in capsys.readouterr().err
