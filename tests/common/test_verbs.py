import sys
from types import ModuleType

import pytest

from regard.common.verbs import Verb, VerbTable

TABLE = VerbTable(
    program="regard fly",
    verbs={"up": Verb("fake_up", "goes up"), "down": Verb("fake_down", "comes down")},
    about="Flying.",
    example="regard fly up",
)


def test_help_has_every_verb_and_the_example(capsys):
    assert TABLE.run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "usage: regard fly <verb> ... [--help]",
        "",
        "Flying.",
        "",
        "verbs:",
        "  up    goes up",
        "  down  comes down",
        "",
        "example: regard fly up",
    ]


def test_no_verb_and_an_unknown_one_are_bad_usage(capsys):
    assert TABLE.run([]) == 2
    capsys.readouterr()
    assert TABLE.run(["away"]) == 2
    error = capsys.readouterr().err
    assert error == "error: unknown verb 'away'; choose one of: up, down\n"


def test_a_verb_gets_the_rest_of_the_arguments(monkeypatch: pytest.MonkeyPatch):
    module = ModuleType("fake_up")
    module.main = lambda argv: len(argv)
    monkeypatch.setitem(sys.modules, "fake_up", module)
    assert TABLE.run(["up", "a", "b", "c"]) == 3
