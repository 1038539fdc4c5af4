"""A tilted vessel is turned upright after a stop, with planner and model hung."""

import threading

import numpy as np
import pytest

from regard.world.clock import LockstepClock, RealTimeClock
from regard.world.effects import tilt_rad
from regard.world.safety.limits import ASSISTIVE
from regard.world.safety.upright import TILTED_RAD, right_after_stop, turn_upright
from regard.world.safety.watchdog import Watchdog
from regard.world.skills.picking import pick

TILTING = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.6])


def tilt_what_is_held(context, name: str, angle_rad: float) -> None:
    """Turns a vessel held from the side by the last joint."""
    world = context.world
    for _ in range(200):
        if tilt_rad(world.physics, name) > angle_rad:
            break
        world.arm.command_velocity(TILTING)
        world.physics.step(10)
    world.arm.command_velocity(np.zeros(6))
    world.physics.step(50)
    assert tilt_rad(world.physics, name) > angle_rad - 0.05


@pytest.fixture
def context(make_context):
    context = make_context("kettle")
    sideways = lambda grasp: -float(grasp.hand_in_object.rotation().as_matrix()[2, 2])  # noqa: E731
    pick(context, "kettle_1", suits=lambda grasp: True, prefer=lambda grasp: 5 * sideways(grasp))
    tilt_what_is_held(context, "kettle_1", 0.6)
    return context


def test_a_watchdog_rights_a_tilted_vessel_and_the_stop_stays(context) -> None:
    world = context.world
    righted = threading.Event()
    with RealTimeClock(world.physics) as clock:

        def right() -> None:
            if right_after_stop(world, advance=clock.advance):
                righted.set()

        watchdog = Watchdog(
            world.arm, limits=ASSISTIVE, last_command_s=lambda: None, after_stop=right
        )
        with watchdog:
            world.arm.command_velocity(TILTING)
            watchdog.request_stop("the person said stop")
            assert righted.wait(15.0)
    assert tilt_rad(world.physics, "kettle_1") <= TILTED_RAD
    assert world.holding() == "kettle_1"
    assert world.arm.stop_reason == "the person said stop"


def test_nothing_moves_for_what_is_upright_or_empty(make_context) -> None:
    context = make_context("kettle")
    before = context.world.physics.time_s
    assert turn_upright(context.world, advance=LockstepClock(context.world.physics).advance)
    assert context.world.physics.time_s == before
