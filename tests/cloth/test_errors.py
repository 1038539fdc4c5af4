"""A user's mistake is said, not thrown."""

import pytest

from regard import cli
from regard.cloth.errors import ClothError
from regard.cloth.evaluation import command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "magic"], "unknown policy 'magic'"),
        (["--policy", "scripted", "--episodes", "0"], "--episodes: 0 is below 1"),
    ],
)
def test_bad_usage_ends_with_a_line_that_names_it(arguments, message, capsys):
    assert cli.main(["cloth", "evaluate", "--task", "flatten", *arguments]) == cli.EXIT_USAGE
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_what_fails_later_is_one_line(monkeypatch, capsys):
    def fail(*_, **__):
        raise ClothError("the model has gone")

    monkeypatch.setattr(command, "run_jobs", fail)
    arguments = ["cloth", "evaluate", "--task", "flatten", "--policy", "scripted"]
    assert cli.main(arguments) == cli.EXIT_FAILED
    assert capsys.readouterr().err == "error: the model has gone\n"
