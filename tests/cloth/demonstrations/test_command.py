"""`regard cloth demos`."""

import json

import pytest

from regard.cloth.demonstrations.command import main
from regard.cloth.errors import ClothError

ARGUMENTS = ["--task", "fold-diagonal", "--policy", "scripted_noisy", "--engine", "xpbd"]


def test_the_figures_are_one_json_object(tmp_path, capsys):
    options = ["--successes", "1", "--out", str(tmp_path), "--json"]
    assert main([*ARGUMENTS, *options]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["num_successes"] == 1
    assert figures["dataset"] == str(tmp_path / "fold-diagonal" / "scripted_noisy-v1")


@pytest.mark.parametrize("option", ["--successes", "--workers"])
def test_nothing_is_no_number_of(option, tmp_path):
    with pytest.raises(ClothError, match="at least 1"):
        main([*ARGUMENTS, "--out", str(tmp_path), option, "0"])


def test_an_unknown_policy_is_named(tmp_path):
    with pytest.raises(ClothError, match="unknown policy 'hand'"):
        main(["--task", "flatten", "--policy", "hand", "--out", str(tmp_path)])


def test_help_shows_an_example_and_calls_the_script_a_script(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "example: regard cloth demos" in text
    assert "not human" in text
