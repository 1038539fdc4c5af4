import pytest

from regard import cli
from regard.serving.cost.command import VERBS


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", name, "--help"]) == 0
    assert f"example: regard cost {name}" in capsys.readouterr().out


def test_an_unknown_verb_is_told_the_valid_ones(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", "tabel"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "table" in line
