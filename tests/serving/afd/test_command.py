import pytest

from regard import cli
from regard.serving.afd.command import VERBS, main


def test_help_lists_every_verb_with_an_example(capsys: pytest.CaptureFixture) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in VERBS)
    assert "example: regard afd" in printed


def test_no_verb_is_bad_usage() -> None:
    assert main([]) == 2


def test_an_unknown_verb_is_told_the_valid_ones(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["afd", "simulat"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "'simulat'" in line
    assert "simulate" in line


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["afd", name, "--help"]) == 0
    printed = capsys.readouterr().out.lower()
    assert "example: " in printed
    assert f"regard afd {name} " in printed
