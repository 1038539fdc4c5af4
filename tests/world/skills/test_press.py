"""Pressing, in physics."""

import pytest

from regard.world.failures import FailureKind
from regard.world.skills.press import Press
from regard.world.skills.runner import run_skill


@pytest.mark.slow
def test_a_lamp_is_switched_on_and_off_again(make_context) -> None:
    context = make_context("lamp")
    for expected in (True, False):
        outcome = run_skill(Press(), context, {"object": "lamp_1"})
        assert outcome.is_done, outcome.words
        assert context.world.is_on("lamp_1") is expected
        assert outcome.words.endswith("on" if expected else "off")


@pytest.mark.parametrize("held", ["mug_1"])
def test_a_full_hand_presses_nothing(make_context, monkeypatch, held) -> None:
    context = make_context("lamp", "mug")
    monkeypatch.setattr(context.world, "holding", lambda: held)
    outcome = run_skill(Press(), context, {"object": "lamp_1"})
    assert outcome.failure is FailureKind.HAND_FULL
    assert not context.world.is_on("lamp_1")
