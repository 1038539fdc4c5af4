"""`regard world`."""

import pytest

from regard.world.command import VERBS, main


def test_every_verb_has_help_with_an_example(capsys) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as left:
            main([verb, "--help"])
        assert left.value.code == 0
        assert f"regard world {verb}" in capsys.readouterr().out


def test_the_help_lists_every_verb(capsys) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in VERBS)


def test_an_unknown_verb_is_bad_usage(capsys) -> None:
    assert main(["dance"]) == 2
    assert "dance" in capsys.readouterr().err
