"""The group's verbs exist, and its help says what it is not."""

from importlib.util import find_spec

import pytest

from regard.tradeoffs.command import VERBS, main


def test_every_verb_has_its_module() -> None:
    assert all(find_spec(verb.module) for verb in VERBS.values())


def test_the_help_says_that_it_certifies_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "certifies nothing" in capsys.readouterr().out
