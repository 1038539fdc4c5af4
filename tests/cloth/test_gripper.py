"""Grasps: which layer, which vertex, when none."""

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.gripper import WORKSPACE_HIGH, Gripper


def test_the_uppermost_layer_is_taken():
    positions = mesh.flat_positions(9, 0.3, height=0.003)
    positions[80, :2] = positions[0, :2]
    positions[80, 2] = 0.02
    gripper = Gripper()
    gripper.grasp(positions, positions[0, :2], fails=False)
    assert gripper.vertex == 80


def test_within_a_layer_the_nearest_vertex_is_taken_and_the_miss_is_kept():
    positions = mesh.flat_positions(9, 0.3, height=0.003)
    place = positions[40, :2] + (0.004, -0.003)
    gripper = Gripper()
    gripper.grasp(positions, place, fails=False)
    assert gripper.vertex == 40
    assert np.allclose(gripper.offset, (-0.004, 0.003, 0))
    assert np.allclose(gripper.hold.target, positions[40])


def test_a_failed_grasp_holds_nothing_and_is_counted():
    positions = mesh.flat_positions(9, 0.3)
    gripper = Gripper()
    gripper.grasp(positions, positions[0, :2], fails=True)
    assert gripper.hold is None
    assert (gripper.num_attempts, gripper.num_failures) == (1, 1)


def test_the_gripper_stays_within_reach():
    gripper = Gripper()
    gripper.move(np.array([9.0, 9.0, 9.0]))
    assert gripper.position.tolist() == WORKSPACE_HIGH.tolist()


def test_cloth_out_of_reach_is_not_caught():
    gripper = Gripper()
    positions = np.array([[0.6, 0.1, 0.003], [0.0, 0.0, 0.003]])
    gripper.grasp(positions, positions[0, :2], fails=False)
    assert gripper.vertex is None
    assert gripper.num_failures == 1
    assert gripper.position == pytest.approx([0.45, 0.1, 0.003])
