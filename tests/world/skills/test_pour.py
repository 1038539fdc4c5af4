"""Pouring and watering, in physics."""

import mujoco
import pytest

from regard.world.effects import poured, tilt_rad
from regard.world.failures import FailureKind
from regard.world.skills.pour import Pour, Water
from regard.world.skills.runner import run_skill


@pytest.mark.slow
def test_a_kettle_is_poured_into_a_bowl_and_put_back(make_context) -> None:
    context = make_context("kettle", "bowl")
    world = context.world
    outcome = run_skill(Pour(), context, {"source": "kettle_1", "receiver": "bowl_1"})
    assert outcome.is_done, outcome.words
    now = poured(world.physics, world.instance("kettle_1"), "bowl_1")
    assert now.received >= 0.7
    assert world.holding() is None
    assert tilt_rad(world.physics, "kettle_1") < 0.1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"source": "kettle_1", "receiver": "kettle_1"}, "into itself"),
        ({"source": "mug_1", "receiver": "kettle_1"}, "nothing can be poured from"),
        ({"source": "kettle_1", "receiver": "sponge_1"}, "not there to be poured into"),
    ],
)
def test_what_makes_no_sense_is_said(make_context, values, words) -> None:
    context = make_context("kettle", "mug", "sponge")
    outcome = run_skill(Pour(), context, values)
    assert outcome.failure is FailureKind.IMPOSSIBLE
    assert words in outcome.words


def test_an_empty_vessel_is_not_poured(make_context) -> None:
    context = make_context("kettle", "mug")
    physics = context.world.physics
    for bead in context.world.instance("kettle_1").beads():
        first = physics.model.body(bead).jntadr[0]
        for joint in range(first, first + 3):
            address = physics.model.jnt_qposadr[joint]
            physics.data.qpos[address] += physics.data.xaxis[joint] @ [2.0, 0.0, 0.0]
    mujoco.mj_forward(physics.model, physics.data)
    outcome = run_skill(Pour(), context, {"source": "kettle_1", "receiver": "mug_1"})
    assert outcome.failure is FailureKind.IMPOSSIBLE
    assert "empty" in outcome.words


def test_plants_are_watered_and_cups_are_not(make_context) -> None:
    context = make_context("watering_can", "mug")
    outcome = run_skill(Water(), context, {"source": "watering_can_1", "receiver": "mug_1"})
    assert outcome.failure is FailureKind.IMPOSSIBLE
