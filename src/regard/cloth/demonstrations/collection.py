"""Recording until there are enough successes, on several processes, going on where it stopped."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from regard.cloth.demonstrations.dataset import refuse_foreign, write_dataset
from regard.cloth.demonstrations.journal import Journal
from regard.cloth.demonstrations.recording import Recording, record_episode
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.errors import ClothError
from regard.cloth.policies.contract import Policy
from regard.cloth.policies.registry import make_policy
from regard.common.seeding import derive_seed

JOURNAL_DIRECTORY = "episodes"
"""Beside the datasets, in a directory named after the dataset."""
MAX_TRIES_PER_SUCCESS = 50
"""Episodes for each wanted success after which a policy is given up."""


class Collected(NamedTuple):
    """What a finished collection holds."""

    dataset: Path
    """The dataset of the successes."""

    failures: Path
    """The dataset of the episodes that failed before the last success."""

    num_successes: int
    """Episodes in the first."""

    num_failures: int
    """Episodes in the second."""


def episode_seed(settings: DemonstrationSettings, number: int) -> int:
    """The environment's seed in one episode; evaluations draw from others."""
    return derive_seed(settings.seed, "cloth", "demonstration", number) % 2**31


def collect(
    settings: DemonstrationSettings,
    count: int,
    directory: Path,
    *,
    workers: int,
    advance: Callable[[float], None],
) -> Collected:
    """Records episodes 0, 1, 2, ... until `count` of them succeeded, and writes the datasets.

    The result does not depend on the number of workers, nor on interruptions.

    Args:
        settings: Where the demonstrations come from.
        count: Successes wanted.
        directory: Of the datasets.
        workers: Processes.
        advance: Told of each new success.

    Raises:
        ClothError: The directory holds other things, or the policy hardly ever succeeds.
    """
    for name in settings.dataset_name, settings.failures_name:
        refuse_foreign(directory / name)
    journal = Journal(directory / JOURNAL_DIRECTORY / settings.dataset_name, settings)
    successes: list[int] = []
    failures: list[int] = []
    for number, is_success in _outcomes(settings, journal, workers):
        (successes if is_success else failures).append(number)
        if is_success:
            advance(1)
        if len(successes) == count:
            break
        if len(failures) >= MAX_TRIES_PER_SUCCESS * (len(successes) + 1):
            raise ClothError(
                f"{settings.policy} succeeded in {len(successes)} of "
                f"{len(successes) + len(failures)} episodes of {settings.task}: given up"
            )
    for name, numbers in (settings.dataset_name, successes), (settings.failures_name, failures):
        write_dataset(directory, name, map(journal.read, numbers), settings)
    return Collected(
        directory / settings.dataset_name,
        directory / settings.failures_name,
        len(successes),
        len(failures),
    )


def _outcomes(
    settings: DemonstrationSettings, journal: Journal, workers: int
) -> Iterator[tuple[int, bool]]:
    """Episodes in order and whether they succeeded; those that are missing are recorded."""
    kept = journal.numbers()
    missing = (number for number in itertools.count() if number not in kept)
    with _recorder(settings, workers) as submit:
        running: dict[Future[Recording], int] = {}
        for wanted in itertools.count():
            while wanted not in kept:
                while len(running) < 2 * workers:
                    number = next(missing)
                    running[submit(number)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    journal.write(number, future.result())
                    kept.add(number)
            yield wanted, journal.read(wanted).is_success


@contextmanager
def _recorder(
    settings: DemonstrationSettings, workers: int
) -> Iterator[Callable[[int], Future[Recording]]]:
    executor: Executor
    if workers == 1:
        executor = ThreadPoolExecutor(1)
    else:
        executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        yield lambda number: executor.submit(_record, settings, number)
    finally:
        executor.shutdown(cancel_futures=True)


def _record(settings: DemonstrationSettings, number: int) -> Recording:
    env, policy = _prepared(settings)
    return record_episode(env, policy, episode_seed(settings, number))


@cache
def _prepared(settings: DemonstrationSettings) -> tuple[ClothEnv, Policy]:
    env = ClothEnv(settings.task, engine=settings.engine, ranges=settings.ranges)
    return env, make_policy(settings.policy)
