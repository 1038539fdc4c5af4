"""A user's mistake is one line on the command line."""

import pytest

from regard import cli


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "magic"], "unknown policy 'magic'"),
        (["--policy", "scripted", "--episodes", "0"], "--episodes 0"),
    ],
)
def test_a_mistake_is_said_in_one_line(arguments, message, capsys):
    assert cli.main(["cloth", "evaluate", "--task", "flatten", *arguments]) == cli.EXIT_FAILED
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
