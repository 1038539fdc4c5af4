"""The trivial policies are trivial."""

import numpy as np

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.evaluation.rollout import run_episode
from regard.cloth.policies.baselines import DoNothingPolicy, RandomPolicy


def test_nothing_is_done():
    result = run_episode(ClothEnv("fold-axis", engine="xpbd"), DoNothingPolicy(), index=0, seed=0)
    assert result.num_grasps == 0
    assert not result.is_success


def test_random_actions_fill_their_bounds_and_repeat_with_the_seed():
    env = ClothEnv("fold-axis", engine="xpbd")
    observation, _ = env.reset(seed=0)

    def draw(seed):
        policy = RandomPolicy()
        policy.begin(env, seed)
        return np.stack([policy.act(observation) for _ in range(200)])

    assert (draw(1) == draw(1)).all()
    assert (draw(1) != draw(2)).any()
    assert draw(1).min() < -0.9
    assert draw(1).max() > 0.9
