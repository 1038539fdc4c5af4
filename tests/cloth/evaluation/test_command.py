"""`regard cloth evaluate` prints what it promises."""

import json

import pytest

from regard.cloth.evaluation import command

ARGUMENTS = ["--task", "fold-diagonal", "--policy", "scripted", "--engine", "xpbd"]


def test_the_json_has_the_promised_figures(capsys):
    assert command.main([*ARGUMENTS, "--episodes", "3", "--seed", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    promised = {"success_rate", "low", "high", "normalized_performance", "reward"}
    assert promised <= figures.keys()
    assert 0 <= figures["low"] <= figures["success_rate"] <= figures["high"] <= 1


def test_the_plain_line_names_task_policy_and_interval(capsys):
    assert command.main([*ARGUMENTS, "--episodes", "2"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("fold-diagonal by scripted in xpbd, training ranges: success ")
    assert "of 2" in said


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (["--episodes", "0"], "0 is below 1"),
        (["--workers", "-2"], "-2 is below 1"),
        (["--policy", "magic"], "unknown policy 'magic'"),
        (["--policy", "none.zip"], "no policy at none.zip"),
        (["--task", "iron"], "invalid choice: 'iron'"),
    ],
)
def test_wrong_arguments_are_bad_usage(capsys, wrong, reason):
    with pytest.raises(SystemExit) as stopped:
        command.main([*ARGUMENTS, *wrong])
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err
