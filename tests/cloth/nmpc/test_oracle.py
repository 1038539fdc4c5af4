"""The planner that knows the plant."""

import numpy as np
import pytest

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.evaluation.rollout import run_episode
from regard.cloth.nmpc.cross_entropy import SearchConfig
from regard.cloth.nmpc.drag_search import DragSearchConfig
from regard.cloth.nmpc.oracle import OracleConfig, OraclePolicy


def test_what_it_found_in_simulation_happens():
    env = ClothEnv("fold-axis", engine="xpbd", resolution=9)
    oracle = OraclePolicy()
    observation, _ = env.reset(seed=5)
    oracle.begin(env, 0)
    found = oracle._search.find(env.snapshot(), observation)
    end = env.engine.positions
    observation, _ = env.reset(seed=5)
    for action in found:
        env.step(action)
    assert np.array_equal(env.engine.positions, end)


def test_planning_leaves_the_episode_as_it_was():
    env = ClothEnv("fold-diagonal", engine="xpbd", resolution=9)
    observation, _ = env.reset(seed=5)
    before = env.engine.positions, env.np_random.bit_generator.state, env.episode.step
    oracle = OraclePolicy()
    oracle.begin(env, 0)
    oracle.act(observation)
    assert np.array_equal(env.engine.positions, before[0])
    assert env.np_random.bit_generator.state == before[1]
    assert env.episode.step == before[2]


def test_it_folds_where_a_plain_arc_does_in_one_rollout():
    env = ClothEnv("fold-diagonal", engine="xpbd")
    oracle = OraclePolicy()
    assert run_episode(env, oracle, index=0, seed=1).is_success
    assert oracle.num_rollouts <= 3


def test_a_drag_is_chosen_that_covers_more():
    env = ClothEnv("flatten", engine="xpbd", resolution=9)
    drags = DragSearchConfig(
        attempts=1,
        random_drags=3,
        least_gain=0.02,
        haste=0.1,
        search=SearchConfig(population=2, elites=1, rounds=1),
        width=1,
        tried_drags=4,
    )
    oracle = OraclePolicy(OracleConfig(drags=drags))
    result = run_episode(env, oracle, index=0, seed=1)
    assert result.normalized_performance > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("task", ["fold-axis", "flatten"])
def test_it_solves_the_harder_tasks_in_the_main_engine(task):
    assert run_episode(ClothEnv(task), OraclePolicy(), index=0, seed=1).is_success
