"""The scripts fold; an unsteady hand varies."""

import numpy as np
import pytest

from regard.cloth.envs import observation as observing
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.evaluation.rollout import run_episode
from regard.cloth.policies import scripted
from regard.cloth.policies.scripted import ScriptedPolicy


@pytest.mark.parametrize("task", ["fold-diagonal", "fold-axis"])
def test_the_script_folds_most_cloths(task):
    env = ClothEnv(task, engine="xpbd")
    results = [run_episode(env, ScriptedPolicy(), index=k, seed=k) for k in range(6)]
    assert sum(each.is_success for each in results) >= 4


def test_the_script_folds_a_mujoco_cloth():
    assert run_episode(ClothEnv("fold-diagonal"), ScriptedPolicy(), index=0, seed=0).is_success


def test_spreading_drags_the_point_farthest_from_its_place():
    env = ClothEnv("flatten", engine="xpbd")
    observation, _ = env.reset(seed=0)
    seen = observing.read(observation)
    pick = scripted.flatten(seen, 0)
    away = np.linalg.norm((scripted.flat_places(seen.points) - _graspable(seen))[:, :2], axis=1)
    assert pick.grasp == away.argmax()


def _graspable(seen):
    return seen.points.reshape(5, 5, 3)[::2, ::2].reshape(9, 3)


def test_a_flat_cloth_is_left_alone():
    env = ClothEnv("fold-diagonal", engine="xpbd")
    observation, _ = env.reset(seed=0)
    assert scripted.flatten(observing.read(observation), 0) is None


def test_an_unsteady_hand_varies_and_repeats_with_its_seed():
    env = ClothEnv("fold-diagonal", engine="xpbd")

    def target(noise, seed):
        observation, _ = env.reset(seed=0)
        policy = ScriptedPolicy(noise=noise)
        policy.begin(env, seed)
        policy.act(observation)
        return policy._follower.pick.target

    assert target(0.0, 1) == target(0.0, 2)
    assert target(0.05, 1) != target(0.05, 2)
    assert target(0.05, 1) == target(0.05, 1)
