"""The servo of the simulated arm."""

import numpy as np
import pytest

from regard.world.arm.errors import ArmCommandError


def test_a_velocity_is_followed(make_world) -> None:
    world = make_world()
    wanted = np.array([0.3, 0, 0, 0, 0, 0.5])
    world.arm.command_velocity(wanted)
    before = world.arm.state().position_rad
    world.physics.step(300)
    assert world.arm.state().velocity_rad_s == pytest.approx(wanted, abs=0.03)
    assert world.arm.state().position_rad[0] - before[0] == pytest.approx(0.3 * 0.6, abs=0.03)


def test_a_velocity_over_the_limit_is_clipped(make_world) -> None:
    world = make_world()
    world.arm.command_velocity(np.full(6, 50.0))
    world.physics.step(300)
    limit = np.array(world.arm.limits.velocity_rad_s)
    assert np.all(world.arm.state().velocity_rad_s <= limit * 1.05)


@pytest.mark.parametrize("bad", [np.zeros(5), np.full(6, np.nan)])
def test_a_bad_command_is_refused(make_world, bad: np.ndarray) -> None:
    with pytest.raises(ArmCommandError):
        make_world().arm.command_velocity(bad)


def test_a_stop_brakes_within_its_time_and_keeps_the_gripper(make_world) -> None:
    world = make_world()
    world.arm.command_gripper(1.0)
    world.arm.command_velocity(np.array([1.0, 0.5, -0.5, 1, 1, 1]))
    world.physics.step(400)
    world.arm.stop("test")
    world.arm.command_gripper(0.0)
    world.arm.command_velocity(np.ones(6))
    world.physics.step(round(0.1 / world.physics.timestep_s))
    assert np.abs(world.arm.state().velocity_rad_s).max() < 0.02
    world.physics.step(200)
    assert world.arm.state().gripper_closed > 0.9
    assert world.arm.state().is_stopped


def test_a_released_arm_moves_again(make_world) -> None:
    world = make_world()
    world.arm.stop("test")
    world.arm.release_stop()
    world.arm.command_velocity(np.array([0.3, 0, 0, 0, 0, 0]))
    world.physics.step(200)
    assert world.arm.state().velocity_rad_s[0] > 0.2


def test_braking_never_makes_the_hand_faster(make_world) -> None:
    """Shoulder, elbow and wrist nearly cancel at the hand; one would brake before the others."""
    world = make_world()
    velocity = np.array([0.0, 1.0, -0.9, 1.5, 0.0, 0.0])
    for after in (np.zeros(6), None):
        world.stand_at_home()
        world.arm.reset()
        world.arm.command_velocity(velocity)
        world.physics.step(100)
        before = world.guard.hand_speed_m_s(world.arm.state().velocity_rad_s)
        if after is None:
            world.arm.stop("test")
        else:
            world.arm.command_velocity(after)
        for _ in range(60):
            world.physics.step()
            now = world.guard.hand_speed_m_s(world.arm.state().velocity_rad_s)
            assert now <= before + 0.02


def test_only_righting_moves_a_stopped_arm(make_world) -> None:
    world = make_world()
    world.arm.stop("test")
    world.arm.command_righting(np.array([0.3, 0, 0, 0, 0, 0]))
    world.physics.step(200)
    assert world.arm.state().velocity_rad_s[0] == pytest.approx(0.3, abs=0.03)
    assert world.arm.stop_reason == "test"
    world.arm.stop("again")
    world.physics.step(100)
    assert np.abs(world.arm.state().velocity_rad_s).max() < 0.02
