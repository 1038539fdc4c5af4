"""The controller that plans on its model."""

import numpy as np
import pytest

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.evaluation.rollout import run_episode
from regard.cloth.nmpc.cross_entropy import SearchConfig
from regard.cloth.nmpc.policy import NmpcConfig, NmpcPolicy, bend

QUICK = NmpcConfig(
    heights=(0.45,),
    overshoots=(0.0,),
    random_drags=2,
    search=SearchConfig(population=3, elites=2, rounds=1),
    bend_search=SearchConfig(population=2, elites=1, rounds=1),
)


def test_it_folds_the_diagonal():
    env = ClothEnv("fold-diagonal", engine="xpbd")
    results = [run_episode(env, NmpcPolicy(QUICK), index=k, seed=k) for k in range(3)]
    assert sum(result.is_success for result in results) >= 2


def test_it_chooses_the_same_for_the_same_seed():
    actions = []
    for _ in range(2):
        env = ClothEnv("fold-axis", engine="xpbd")
        observation, _ = env.reset(seed=2)
        policy = NmpcPolicy(QUICK)
        policy.begin(env, 3)
        taken = []
        for _ in range(14):
            taken.append(policy.act(observation))
            observation, *_ = env.step(taken[-1])
        actions.append(np.array(taken))
    assert (actions[0] == actions[1]).all()


def test_it_sees_nothing_of_the_plant_but_observations():
    env = ClothEnv("fold-diagonal", engine="xpbd")
    observation, _ = env.reset(seed=2)
    policy = NmpcPolicy(QUICK)
    policy.begin(env, 3)
    del env.engine, env.episode
    assert policy.act(observation).shape == (6,)


def test_it_leaves_a_flat_cloth_alone():
    observation, _ = ClothEnv("fold-diagonal", engine="xpbd").reset(seed=2)
    policy = NmpcPolicy(QUICK)
    policy.begin(ClothEnv("flatten", engine="xpbd"), 3)
    assert policy.act(observation)[3] < 0


def test_it_drags_a_crumpled_cloth():
    env = ClothEnv("flatten", engine="xpbd", resolution=9)
    observation, _ = env.reset(seed=2)
    policy = NmpcPolicy(QUICK)
    policy.begin(env, 3)
    assert policy.act(observation)[3] > 0


def test_a_bent_path_ends_where_the_straight_one_does_and_stays_above_the_table():
    path = np.outer(np.linspace(0.1, 1.0, 10), (1.0, 0.0, 0.0))
    bent = bend(path, np.full((3, 3), -0.05), 0.3)
    assert bent[-1] == pytest.approx(path[-1])
    assert bent[5, 1] < -0.03
    assert bent[:, 2].min() == 0


def test_a_bend_that_the_gripper_cannot_follow_is_not_taken():
    path = np.outer(np.linspace(0.1, 1.0, 10), (1.0, 0.0, 0.0))
    assert (bend(path, np.full((3, 3), 2.0), 0.3) == path).all()
