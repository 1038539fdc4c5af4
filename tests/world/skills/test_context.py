"""What a skill works with."""

import numpy as np
import pytest

from regard.world.failures import FailureKind, SkillFailure
from regard.world.skills.context import APPROACH, CARRY, TRAVEL


def test_a_cancel_ends_the_next_motion_until_it_is_cleared(make_context) -> None:
    context = make_context()
    context.cancel()
    with pytest.raises(SkillFailure) as caught:
        context.shift(np.array([0, 0, 0.02]), pace=CARRY)
    assert caught.value.kind is FailureKind.CANCELLED
    context.clear_cancel()
    height = context.mover.hand().translation()[2]
    context.shift(np.array([0, 0, 0.02]), pace=CARRY)
    assert context.mover.hand().translation()[2] == pytest.approx(height + 0.02, abs=0.004)


def test_fixed_things_are_not_looked_for(make_context) -> None:
    context = make_context("mug", "drawer_unit")
    assert set(context.look_around()) == {"mug_1"}


def test_an_empty_hand_carries_no_load(make_context) -> None:
    assert make_context("mug").load() is None


def test_travel_keeps_its_height_and_reports_what_it_cannot(make_context) -> None:
    context = make_context()
    hand = context.mover.hand()
    moved = hand.translation() + np.array([0.0, 0.1, 0.0])
    end = type(hand).from_rotation_and_translation(hand.rotation(), moved)
    context.travel(end, pace=TRAVEL)
    assert context.mover.hand().translation() == pytest.approx(moved, abs=0.005)
    far = type(hand).from_rotation_and_translation(hand.rotation(), moved + np.array([0, 2, 0]))
    with pytest.raises(SkillFailure, match="no free way"):
        context.travel(far, pace=TRAVEL)


def test_withdrawing_goes_as_far_as_the_arm_reaches(make_context) -> None:
    context = make_context()
    start = context.mover.hand().translation()[2]
    context.withdraw(np.array([0, 0, 0.05]), pace=APPROACH)
    assert context.mover.hand().translation()[2] == pytest.approx(start + 0.05, abs=0.005)
