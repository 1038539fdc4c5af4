"""Actions mean what the environment's table says."""

import numpy as np
import pytest

from regard.cloth.envs import actions


def test_full_deflection_is_the_largest_step_and_more_is_clipped():
    command = actions.read_action([1, -1, 5, 1, -1, 1])
    assert command.displacement.tolist() == [0.03, -0.03, 0.03]
    assert command.holds
    assert command.grasp == 2


def test_an_open_hand_and_the_middle_are_zero():
    command = actions.read_action(np.zeros(6))
    assert not command.holds
    assert command.grasp == 4


@pytest.mark.parametrize("grasp", range(actions.NUM_GRASPS))
def test_writing_an_action_is_the_inverse_of_reading_it(grasp):
    written = actions.action_of(actions.Command(np.array([0.01, -0.02, 0.03]), True, grasp))
    read = actions.read_action(written)
    assert read.displacement == pytest.approx([0.01, -0.02, 0.03])
    assert (read.holds, read.grasp) == (True, grasp)


def test_the_graspable_points_are_corners_mid_edges_and_centre():
    assert actions.grasp_coordinates().tolist()[:4] == [[0, 0], [0, 0.5], [0, 1], [0.5, 0]]
