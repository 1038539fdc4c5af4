"""A pick's path, and the steps that carry it out."""

import numpy as np
import pytest

from regard.cloth.envs import observation as observing
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.policies.pick import CRUISE_SHARE, RELEASE_HEIGHT, Pick, PickFollower

PICK = Pick(grasp=0, target=(0.4, 0.5), height=0.3)
START = np.array([-0.5, -0.5, 0.02])


def test_a_path_ends_at_its_target_and_rises_to_its_height():
    path = PICK.path(START, 0.1)
    assert path[-1] == pytest.approx([0.4, 0.5, RELEASE_HEIGHT])
    assert path[:, 2].max() == pytest.approx(0.3 + 0.025, abs=0.01)


def test_no_step_of_a_path_is_faster_than_the_gripper():
    path = np.vstack([START, PICK.path(START, 0.1)])
    assert np.abs(np.diff(path, axis=0)).max() <= 0.1 / CRUISE_SHARE * 0.95


def test_bends_move_the_middle_and_not_the_ends():
    bends = np.zeros((3, 3))
    bends[1] = (0.1, 0, 0)
    bent = Pick(grasp=0, target=PICK.target, height=0.3, bends=bends).path(START, 0.1)
    assert bent[-1] == pytest.approx(PICK.path(START, 0.1)[-1])
    middle = bent[len(bent) // 2]
    assert middle[0] > PICK.path(START, 0.1)[len(PICK.path(START, 0.1)) // 2][0] + 0.05


def test_a_path_never_goes_into_the_table():
    bends = np.zeros((3, 3))
    bends[:, 2] = -2
    path = Pick(grasp=0, target=(0, 0), height=0.1, bends=bends).path(START, 0.1)
    assert path[:, 2].min() >= 0


@pytest.mark.parametrize("seed", range(4))
def test_the_follower_leads_the_corner_to_the_target_in_spite_of_delay_and_failures(seed):
    env = ClothEnv("fold-diagonal", engine="xpbd")
    observation, _ = env.reset(seed=seed)
    follower = PickFollower(PICK)
    while not follower.is_done:
        observation, _, over, _, info = env.step(follower.act(observing.read(observation)))
        assert not over
    corner = env.episode.frame.from_table(env.engine.positions[0])
    assert corner[:2] == pytest.approx(PICK.target, abs=0.12)
    assert info["num_grasps"] == info["num_failed_grasps"] + 1
