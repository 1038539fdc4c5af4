"""Inverse kinematics under limits."""

import mujoco
import numpy as np
import pytest

from regard.world.arm.simulated import HOME_RAD, JOINTS, UR5E_LIMITS
from regard.world.motion.path import pose, shifted

DOWN = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])
HAND = ("arm/wrist_3_link", "arm/gripper/")
HOME = np.array(HOME_RAD)


@pytest.fixture
def kinematics(make_world):
    return make_world().kinematics


def test_a_pose_above_the_table_is_reached(kinematics) -> None:
    wanted = pose(np.array([0.0, 0.2, 0.80]), DOWN)
    joints = kinematics.solve(wanted, seed_rad=HOME)
    assert joints is not None
    kinematics.configure(joints)
    distance, angle = kinematics.error(wanted)
    assert distance < 0.003
    assert angle < 0.03


def test_a_pose_out_of_reach_has_no_solution(kinematics) -> None:
    assert kinematics.solve(pose(np.array([-1.5, 0, 0.8]), DOWN), seed_rad=HOME) is None


def test_a_search_keeps_the_configuration(kinematics) -> None:
    before = kinematics.joints_rad
    kinematics.solve(pose(np.array([0.1, 0.1, 0.85]), DOWN), seed_rad=HOME)
    assert np.array_equal(kinematics.joints_rad, before)


def test_no_step_breaks_the_limits_of_velocity_and_acceleration(kinematics) -> None:
    kinematics.configure(HOME)
    goal = shifted(kinematics.tcp(), np.array([0, 0.5, -0.1]))
    before = np.zeros(6)
    for _ in range(30):
        velocity = kinematics.step(goal, step_s=0.02)
        assert np.all(np.abs(velocity) <= np.array(UR5E_LIMITS.velocity_rad_s) + 1e-6)
        reach = np.array(UR5E_LIMITS.acceleration_rad_s2) * 0.02
        assert np.all(np.abs(velocity - before) <= reach + 1e-6)
        before = velocity


def test_the_wrist_stays_off_the_table(kinematics) -> None:
    kinematics.configure(HOME)
    under = shifted(kinematics.tcp(), np.array([0, 0, -0.6]))
    for _ in range(150):
        kinematics.step(under, step_s=0.02)
    assert kinematics.tcp().translation()[2] > 0.72 - 0.08
    assert kinematics.error(under)[0] > 0.05


def test_the_hand_stays_off_the_forearm(make_world) -> None:
    world = make_world()
    kinematics, physics = world.kinematics, world.physics
    joints = physics.qpos_addresses(JOINTS)
    pressed = 0.0
    # Turned to the side, then bent back until the hand would be in the forearm.
    side, back = np.array([0, 0, 0, 0, -0.9, 0]), np.array([0, 0, 0, 2.2, 0, 0])
    targets = []
    for share in np.linspace(0, 1, 200):
        kinematics.configure(HOME + side + share * back)
        targets.append(kinematics.tcp())
    kinematics.configure(HOME + side)
    for target in targets:
        kinematics.step(target, step_s=0.02)
        physics.data.qpos[joints] = kinematics.joints_rad
        mujoco.mj_forward(physics.model, physics.data)
        pressed = max(pressed, world.contacts.force_n(HAND, ("arm/forearm_link",)))
    assert pressed == 0
    assert kinematics.error(target)[1] > 0.1
