"""Episodes are counted rightly, whoever runs them."""

import pytest

from regard.cloth.evaluation.rollout import (
    EpisodeResult,
    Job,
    Setting,
    episode_seed,
    run_jobs,
    summary,
)

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


def test_what_an_episode_took_is_counted():
    assert run([0])[0].cpu_seconds > 0
