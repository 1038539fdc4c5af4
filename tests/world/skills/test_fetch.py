"""Bringing things and handing them over, in physics."""

import numpy as np
import pytest

from regard.world.effects import is_at_handover, tilt_rad
from regard.world.execution.person_hand import PersonHand
from regard.world.failures import FailureKind
from regard.world.skills import fetch
from regard.world.skills.fetch import Fetch, HandOver
from regard.world.skills.runner import run_skill


def test_a_mug_is_brought_upright_and_no_faster_than_allowed(make_context) -> None:
    context = make_context("mug")
    world = context.world
    outcome = run_skill(Fetch(), context, {"object": "mug_1"})
    assert outcome.is_done, outcome.words
    assert is_at_handover(world.physics, "mug_1")
    assert world.holding() == "mug_1"
    assert tilt_rad(world.physics, "mug_1") < 0.2
    assert 0.1 < world.guard.near_speed_m_s <= world.guard.limits.near_person_speed_m_s


def test_the_hand_lets_go_when_somebody_pulls(make_context) -> None:
    context = make_context("remote")
    person = PersonHand(context.world, "remote_1")
    context.world.physics.observers.append(person.look)
    outcome = run_skill(HandOver(), context, {"object": "remote_1"})
    assert outcome.is_done, outcome.words
    assert person.has_taken
    assert 1.0 < person.highest_n <= context.world.guard.limits.person_force_n
    context.world.physics.step(500)
    assert context.world.holding() is None
    assert np.linalg.norm(context.world.physics.body_velocity("remote_1/body")) < 0.05


@pytest.mark.slow
def test_what_nobody_takes_stays_in_the_hand(make_context, monkeypatch) -> None:
    monkeypatch.setattr(fetch, "OFFER_S", 1.0)
    context = make_context("remote")
    outcome = run_skill(HandOver(), context, {"object": "remote_1"})
    assert outcome.failure is FailureKind.NOT_DONE
    assert context.world.holding() == "remote_1"
