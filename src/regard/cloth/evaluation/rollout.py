"""One policy in many episodes, each with a seed of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.policies.contract import Policy
from regard.cloth.policies.registry import make_policy
from regard.common.seeding import derive_seed
from regard.common.statistics import wilson_interval

MAX_ENV_SEED = 2**31
"""Seeds of environments stay below this."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is evaluated."""

    task: str
    """Name of the task."""

    policy: str
    """Name of the policy, or the path of a saved one."""

    engine: str = "mujoco"
    """Name of the engine."""

    ranges: str = "training"
    """Name of the ranges the episodes are drawn from."""


@dataclass(frozen=True, kw_only=True)
class EpisodeResult:
    """How one episode went."""

    index: int
    """Which episode of the evaluation."""

    seed: int
    """Seed of the environment."""

    is_success: bool
    """Whether the task's criteria were met at the end."""

    normalized_performance: float
    """SoftGym's, at the end."""

    reward: float
    """Sum of the rewards."""

    steps: int
    """Control steps taken."""

    diverged: bool
    """Whether the simulation exploded."""

    num_grasps: int
    """Times the gripper closed."""

    coverage: float | None = None
    """Of the cloth at the end, where the task is to flatten it."""

    cpu_seconds: float = field(default=0.0, compare=False)
    """What simulation and policy took."""


def episode_seed(seed: int, index: int) -> int:
    """The environment's seed in one episode of an evaluation."""
    return derive_seed(seed, "cloth", "episode", index) % MAX_ENV_SEED


def run_episode(
    env: ClothEnv,
    policy: Policy,
    *,
    index: int,
    seed: int,
    watch: Callable[[ClothEnv], None] = lambda env: None,
) -> EpisodeResult:
    """Runs one episode to its end.

    Args:
        env: Where.
        policy: Who acts.
        index: Which episode of an evaluation.
        seed: Of the environment.
        watch: Called at the start and after each control step.
    """
    started = time.process_time()
    observation, info = env.reset(seed=seed)
    policy.begin(env, derive_seed(seed, "policy"))
    watch(env)
    total, is_over = 0.0, False
    while not is_over:
        observation, reward, is_over, _, info = env.step(policy.act(observation))
        total += reward
        watch(env)
    return EpisodeResult(
        index=index,
        seed=seed,
        is_success=info["is_success"],
        normalized_performance=info["normalized_performance"],
        reward=total,
        steps=env.episode.step,
        diverged=info["diverged"],
        num_grasps=info["num_grasps"],
        coverage=info.get("coverage"),
        cpu_seconds=time.process_time() - started,
    )


@dataclass(frozen=True)
class Job:
    """One episode to run."""

    setting: Setting
    """What is evaluated."""

    index: int
    """Which episode of it; each draws the same whatever else is run."""

    seed: int
    """Of the whole evaluation."""


def run_jobs(jobs: Sequence[Job], *, workers: int = 1) -> Iterator[tuple[Job, EpisodeResult]]:
    """Runs episodes, in any order when there are several workers (processes)."""
    if workers <= 1:
        yield from map(_run_job, jobs)
        return
    with _pool(workers) as pool:
        yield from pool.imap_unordered(_run_job, jobs)


@contextmanager
def _pool(workers: int) -> Iterator[Any]:
    pool = multiprocessing.get_context("spawn").Pool(workers)
    try:
        yield pool
    finally:
        pool.terminate()
        pool.join()


@lru_cache(maxsize=4)
def _prepared(setting: Setting) -> tuple[ClothEnv, Policy]:
    env = ClothEnv(setting.task, engine=setting.engine, ranges=setting.ranges)
    return env, make_policy(setting.policy)


def _run_job(job: Job) -> tuple[Job, EpisodeResult]:
    env, policy = _prepared(job.setting)
    seed = episode_seed(job.seed, job.index)
    return job, run_episode(env, policy, index=job.index, seed=seed)


def summary(results: Sequence[EpisodeResult]) -> Mapping[str, float]:
    """The figures of an evaluation; `low` and `high` bound the success rate (Wilson, 95 %)."""
    count = len(results)
    interval = wilson_interval(sum(each.is_success for each in results), count)
    return {
        "success_rate": interval.value,
        "low": interval.low,
        "high": interval.high,
        "normalized_performance": sum(each.normalized_performance for each in results) / count,
        "reward": sum(each.reward for each in results) / count,
        "diverged": sum(each.diverged for each in results),
        "grasps": sum(each.num_grasps for each in results) / count,
    }
