"""The mover, in physics."""

import numpy as np
import pytest

from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Pace, Straight, pose, shifted
from regard.world.person import HANDOVER_M

BRISK = Pace(speed_m_s=0.4, turn_rad_s=1.5)


@pytest.fixture
def context(make_context):
    return make_context()


def test_the_hand_arrives(context) -> None:
    start = context.mover.hand()
    path = Straight(start, shifted(start, np.array([0.0, 0.15, -0.05])))
    assert not context.mover.follow(path, pace=BRISK)
    place = context.world.physics.site_pose("arm/gripper/tcp").position_m
    assert place == pytest.approx(path.end.translation(), abs=0.01)


def test_a_condition_ends_the_motion(context) -> None:
    start = context.mover.hand()
    path = Straight(start, shifted(start, np.array([0.0, 0.3, 0.0])))
    half = start.translation()[1] + 0.15
    physics = context.world.physics
    assert context.mover.follow(
        path,
        pace=BRISK,
        until=lambda: physics.site_pose("arm/gripper/tcp").position_m[1] > half,
    )
    assert physics.site_pose("arm/gripper/tcp").position_m[1] < half + 0.05


def test_out_of_reach_is_a_typed_failure(context) -> None:
    start = context.mover.hand()
    path = Straight(start, shifted(start, np.array([0.0, 1.5, 0.0])))
    with pytest.raises(SkillFailure) as caught:
        context.mover.follow(path, pace=Pace(speed_m_s=1.0, turn_rad_s=1.0))
    assert caught.value.kind is FailureKind.UNREACHABLE


def test_a_rehearsal_tells_what_can_be_followed_and_moves_nothing(context) -> None:
    start, joints = context.mover.hand(), context.world.arm.reference_rad.copy()
    aside = Straight(start, shifted(start, np.array([0.0, 0.15, -0.05])))
    back = Straight(aside.end, start)
    too_far = Straight(start, shifted(start, np.array([0.0, 1.5, 0.0])))
    # Into the table, where the wrist's own clearance ends the way.
    below = Straight(start, shifted(start, np.array([0.0, 0.0, -0.6])))
    assert context.mover.can_follow([aside, back], pace=BRISK)
    assert not context.mover.can_follow([aside, back, too_far], pace=BRISK)
    assert not context.mover.can_follow([below], pace=BRISK)
    assert np.array_equal(context.world.arm.reference_rad, joints)
    assert np.allclose(context.mover.hand().as_matrix(), start.as_matrix())


def test_a_stop_ends_the_motion(context) -> None:
    context.world.arm.stop("test")
    start = context.mover.hand()
    with pytest.raises(SkillFailure, match="stopped: test") as caught:
        context.mover.follow(Straight(start, shifted(start, np.array([0, 0.1, 0]))), pace=BRISK)
    assert caught.value.kind is FailureKind.STOPPED


def test_near_the_person_the_hand_keeps_its_limit_in_physics(context) -> None:
    """To the hand-over point and away again, asked for at three times the limit."""
    world = context.world
    start = context.mover.hand()
    near = pose(np.array(HANDOVER_M), start.rotation().as_matrix())
    fast = Pace(speed_m_s=0.75, turn_rad_s=3.0)
    speeds = []

    def measure() -> None:
        if world.guard.person_distance_m() <= world.guard.limits.near_person_distance_m:
            velocity = world.arm.state().velocity_rad_s
            speeds.append(world.guard.hand_speed_m_s(velocity))

    world.physics.observers.append(measure)
    context.mover.follow(Straight(start, near), pace=fast)
    context.mover.follow(
        Straight(near, start), pace=fast, until=lambda: world.guard.person_distance_m() < 0.2
    )
    context.mover.wait(0.2)
    assert len(speeds) > 100
    assert max(speeds) <= world.guard.limits.near_person_speed_m_s
    assert max(speeds) > 0.5 * world.guard.limits.near_person_speed_m_s
