"""Picks tried on the plant."""

import numpy as np

from regard.cloth.envs.actions import NO_ACTION
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.nmpc.rehearsal import Rehearsal
from regard.cloth.policies.pick import Pick


def test_a_pick_is_the_same_each_time_from_the_same_moment():
    env = ClothEnv("fold-axis", engine="xpbd", resolution=9)
    observation, _ = env.reset(seed=2)
    start, rehearsal = env.snapshot(), Rehearsal(env)
    ends, taken = [], []
    for _ in range(2):
        rehearsal.begin(start)
        actions = []
        rehearsal.carry_out(Pick(grasp=0, target=(0.1, 0.1), height=0.3), observation, actions)
        ends.append(rehearsal.true_points())
        taken.append(actions)
    assert np.array_equal(*ends)
    assert len(taken[0]) == len(taken[1]) == env.episode.step > 0
    assert rehearsal.num_rollouts == 2


def test_resting_lasts_until_the_episode_is_over():
    env = ClothEnv("fold-axis", engine="xpbd", resolution=9)
    observation, _ = env.reset(seed=2)
    actions = []
    Rehearsal(env).rest(observation, actions)
    assert env.episode.is_over
    assert len(actions) == env.episode.step
    assert all(np.array_equal(each, NO_ACTION) for each in actions)
