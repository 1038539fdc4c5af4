"""The controller that plans on its model."""

from dataclasses import replace

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.envs import observation as observing
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.evaluation.rollout import run_episode
from regard.cloth.nmpc.cross_entropy import SearchConfig
from regard.cloth.nmpc.plans import FoldPlan
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


@pytest.mark.parametrize(("held", "holds_on"), [(0, True), (8, False)])
def test_it_lets_go_of_another_point_than_it_meant(held, holds_on):
    env = ClothEnv("fold-diagonal", engine="xpbd")
    observation, _ = env.reset(seed=2)
    policy = NmpcPolicy(QUICK)
    policy.begin(env, 3)
    assert policy.act(observation)[3] > 0
    seen = observing.read(observation)
    grasped = seen._replace(is_holding=True, held=np.eye(9)[held], gripper=seen.points[0])
    assert (policy.act(observing.pack(grasped))[3] > 0) == holds_on


def test_it_does_not_let_go_for_ever():
    env = ClothEnv("fold-diagonal", engine="xpbd")
    observation, _ = env.reset(seed=2)
    policy = NmpcPolicy(replace(QUICK, max_slips=1))
    policy.begin(env, 3)
    seen = observing.read(observation)
    grasped = seen._replace(is_holding=True, held=np.eye(9)[8], gripper=seen.points[0])
    closed = [policy.act(observing.pack(each))[3] > 0 for each in (seen, grasped, seen, grasped)]
    assert closed == [True, False, True, True]


def test_the_less_way_is_left_the_lower_the_arc():
    policy = NmpcPolicy(QUICK)
    flat = mesh.flat_positions(5, 1.0)
    policy._seen_mean = flat.copy()
    policy._seen_mean[4] = flat[24] - (0.25, 0.0, 0.0)
    plan = FoldPlan("axis", (0, 2), np.full((2, 3), 0.4))
    lowered = policy._lowered(plan)
    assert lowered.leads[:, 0] == pytest.approx([0.4, 0.2])
    assert (lowered.leads[:, 1:] == 0.4).all()
    assert (plan.leads == 0.4).all()


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
