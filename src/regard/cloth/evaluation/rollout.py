"""One policy in many episodes, each with a seed of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.episode import Snapshot
from regard.cloth.envs.observation import Observation
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
    """What simulation and policy took; the start's simulation only where it was the first of a
    row of policies to begin there."""


def episode_seed(seed: int, index: int) -> int:
    """The environment's seed in one episode of an evaluation."""
    return derive_seed(seed, "cloth", "episode", index) % MAX_ENV_SEED


class Starts:
    """Begins episodes; the one begun last is gone back to, not simulated again.

    To crumple a cloth takes longer than most policies take to do their worst with it.
    """

    def __init__(self, env: ClothEnv) -> None:
        """Begins episodes of that environment, of which no other code may `reset`."""
        self._env = env
        self._seed: int | None = None
        self._start: Snapshot
        self._observation: Observation

    def begin(self, seed: int) -> Observation:
        """Begins the episode of that seed; returns its first observation."""
        if seed == self._seed:
            self._env.restore(self._start)
            return self._observation.copy()
        self._seed = None
        self._observation, _ = self._env.reset(seed=seed)
        self._start, self._seed = self._env.snapshot(), seed
        return self._observation.copy()


def run_episode(
    env: ClothEnv,
    policy: Policy,
    *,
    index: int,
    seed: int,
    watch: Callable[[ClothEnv], None] = lambda env: None,
    starts: Starts | None = None,
) -> EpisodeResult:
    """Runs one episode to its end.

    Args:
        env: Where.
        policy: Who acts.
        index: Which episode of an evaluation.
        seed: Of the environment.
        watch: Called at the start and after each control step.
        starts: Of this environment; without them the start is simulated.
    """
    started = time.process_time()
    observation = (starts or Starts(env)).begin(seed)
    policy.begin(env, derive_seed(seed, "policy"))
    watch(env)
    total, is_over, info = 0.0, False, dict[str, Any]()
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
    """Runs episodes, in any order when there are several workers (processes).

    Neighbours in `jobs` that begin alike go to one worker, which simulates their start once.
    """
    if workers <= 1:
        yield from map(_run_job, jobs)
        return
    rows = [list(row) for _, row in groupby(jobs, key=_start_of)]
    with _pool(workers) as pool:
        for done in pool.imap_unordered(_run_row, rows):
            yield from done


@contextmanager
def _pool(workers: int) -> Iterator[Any]:
    pool = multiprocessing.get_context("spawn").Pool(workers)
    try:
        yield pool
    finally:
        pool.terminate()
        pool.join()


@lru_cache(maxsize=6)
def _starts(task: str, engine: str, ranges: str) -> tuple[ClothEnv, Starts]:
    env = ClothEnv(task, engine=engine, ranges=ranges)
    return env, Starts(env)


@lru_cache(maxsize=8)
def _policy(name: str) -> Policy:
    return make_policy(name)


def _run_job(job: Job) -> tuple[Job, EpisodeResult]:
    setting = job.setting
    env, starts = _starts(setting.task, setting.engine, setting.ranges)
    seed, policy = episode_seed(job.seed, job.index), _policy(setting.policy)
    return job, run_episode(env, policy, index=job.index, seed=seed, starts=starts)


def _run_row(jobs: Sequence[Job]) -> list[tuple[Job, EpisodeResult]]:
    return [_run_job(job) for job in jobs]


def _start_of(job: Job) -> tuple[Hashable, ...]:
    """What decides how an episode begins."""
    setting = job.setting
    return setting.task, setting.engine, setting.ranges, job.index, job.seed


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
