"""Episodes are counted rightly, whoever runs them."""

import pytest

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.evaluation.rollout import (
    EpisodeResult,
    Job,
    Setting,
    Starts,
    episode_seed,
    run_episode,
    run_jobs,
    summary,
)
from regard.cloth.policies.baselines import RandomPolicy

SETTING = Setting(task="fold-diagonal", policy="scripted", engine="xpbd")


def result(index, is_success):
    return EpisodeResult(
        index=index,
        seed=index,
        is_success=is_success,
        normalized_performance=0.5 + index,
        reward=1.0,
        steps=10,
        diverged=index == 0,
        num_grasps=2,
    )


def test_the_summary_counts_successes_with_wilson_bounds():
    figures = summary([result(k, k < 3) for k in range(4)])
    assert figures["success_rate"] == 0.75
    assert figures["low"] == pytest.approx(0.3006, abs=1e-4)
    assert figures["high"] == pytest.approx(0.9544, abs=1e-4)
    assert figures["normalized_performance"] == 2.0
    assert figures["diverged"] == 1
    assert figures["grasps"] == 2


def test_seeds_of_episodes_differ_and_fit_an_environment():
    seeds = {episode_seed(seed, index) for seed in (0, 1) for index in range(50)}
    assert len(seeds) == 100
    assert max(seeds) < 2**31


def run(indices, workers=1):
    jobs = [Job(SETTING, index, 0) for index in indices]
    return sorted((result for _, result in run_jobs(jobs, workers=workers)), key=lambda r: r.index)


@pytest.mark.slow
def test_workers_change_nothing():
    assert run(range(3)) == run(range(3), workers=2)


def test_an_episode_is_the_same_whatever_ran_before():
    assert run([2]) == run([1, 2])[1:]


def test_an_episode_gone_back_to_is_the_one_begun_anew():
    env = ClothEnv("flatten", resolution=5)
    starts, policy = Starts(env), RandomPolicy()
    episodes = [
        run_episode(env, policy, index=0, seed=seed, starts=starts) for seed in (3, 4, 4, 3)
    ]
    assert episodes[1] == episodes[2]
    assert episodes[0] == episodes[3] != episodes[1]


def test_a_start_is_simulated_once_for_a_row_of_episodes(monkeypatch):
    env, resets = ClothEnv("fold-axis", engine="xpbd"), []
    reset = env.reset
    monkeypatch.setattr(env, "reset", lambda seed: resets.append(seed) or reset(seed=seed))
    starts = Starts(env)
    first = [starts.begin(seed) for seed in (1, 1, 2, 1)]
    assert resets == [1, 2, 1]
    assert (first[0] == first[1]).all()
    assert (first[0] != first[2]).any()


def test_what_an_episode_took_is_counted():
    assert run([0])[0].cpu_seconds > 0
