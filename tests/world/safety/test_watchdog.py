"""The watchdog stops the arm with planner and model hung."""

import threading
import time
from dataclasses import replace

import numpy as np

from regard.world.clock import RealTimeClock
from regard.world.safety.limits import ASSISTIVE
from regard.world.safety.watchdog import HUNG, Watchdog

VELOCITY = np.array([0.8, 0.3, -0.3, 0.5, 0.5, 0.5])
REST_RAD_S = 0.03


def _rest_s(world, since_s: float) -> float:
    """Simulated seconds until the arm rests."""
    while np.abs(world.arm.state().velocity_rad_s).max() > REST_RAD_S:
        assert world.physics.time_s - since_s < 2.0, "the arm never came to rest"
        time.sleep(0.002)
    return world.physics.time_s - since_s


def test_a_hung_planner_is_stopped_within_the_limit(make_world) -> None:
    """The planner's thread sleeps for good after its last command; no model is there at all."""
    world = make_world()
    hang = threading.Event()
    limits = replace(ASSISTIVE, command_age_s=0.3)

    def plan() -> None:
        world.arm.command_velocity(VELOCITY)
        hang.wait()

    planner = threading.Thread(target=plan, daemon=True)
    watchdog = Watchdog(
        world.arm,
        limits=limits,
        last_command_s=lambda: world.arm.last_command_s,
        after_stop=lambda: None,
    )
    with RealTimeClock(world.physics) as clock, watchdog:
        planner.start()
        while world.arm.stop_reason is None:
            clock.advance(0.01)
        stopped_s = world.physics.time_s
        assert _rest_s(world, stopped_s) <= limits.stop_within_s + 0.02
    assert world.arm.stop_reason == HUNG
    hang.set()


def test_a_requested_stop_needs_nobody_else(make_world) -> None:
    world = make_world()
    righted = threading.Event()
    watchdog = Watchdog(
        world.arm,
        limits=ASSISTIVE,
        last_command_s=lambda: None,
        after_stop=righted.set,
    )
    with RealTimeClock(world.physics) as clock, watchdog:
        world.arm.command_velocity(VELOCITY)
        clock.advance(0.3)
        watchdog.request_stop("the person said stop")
        assert righted.wait(5.0)
    assert world.arm.stop_reason == "the person said stop"


def test_an_arm_at_rest_owes_no_command(make_world) -> None:
    world = make_world()
    world.arm.command_velocity(np.zeros(6))
    watchdog = Watchdog(
        world.arm,
        limits=ASSISTIVE,
        last_command_s=lambda: world.arm.last_command_s,
        after_stop=lambda: None,
        clock=lambda: time.monotonic() + 100,
    )
    assert not watchdog.look()
    world.arm.command_velocity(VELOCITY)
    assert watchdog.look()
