"""Runs many trials on several processes or machines, and sums them up."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from regard.common.errors import UserError
from regard.common.progress import progress_bar
from regard.common.statistics import wilson_interval
from regard.world.execution.trial import run_trial


class BenchError(UserError):
    """A benchmark that cannot run, or go on, so."""


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """One run of the benchmark."""

    trials: int
    """How many."""

    seed: int
    """Of scenes, tasks and noise."""

    held_out: bool
    """Use held-out objects."""

    workers: int
    """Processes."""

    ray: str | None
    """Address of a Ray cluster; None for processes of this machine."""

    records: Path | None
    """File to which every trial is appended; a run that was broken off goes on from it."""


def run_bench(config: BenchConfig, *, menagerie: Path, progress: bool) -> list[dict[str, Any]]:
    """The rows of all trials, those of a broken-off run taken over.

    Args:
        config: What is run.
        menagerie: Folder of the arm's files.
        progress: Draw a bar.

    Raises:
        BenchError: The records belong to another run, or Ray is not installed.
    """
    done = _taken_over(config)
    missing = [index for index in range(config.trials) if index not in done]
    trial = partial(_row, seed=config.seed, held_out=config.held_out, menagerie=menagerie)
    with progress_bar("trials", len(missing), enabled=progress) as advance:
        for row in _results(config, trial, missing):
            done[row["index"]] = row
            if config.records is not None:
                with config.records.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
            advance(1)
    return [done[index] for index in range(config.trials)]


def summarise(rows: Sequence[dict[str, Any]], *, seed: int) -> dict[str, Any]:
    """Success with Wilson's 95 % interval and collateral, over all and for each family."""
    families = dict.fromkeys(row["family"] for row in rows)
    return {
        **_share(rows, seed=seed),
        "families": {
            family: _share([row for row in rows if row["family"] == family], seed=seed)
            for family in families
        },
    }


def _share(rows: Sequence[dict[str, Any]], *, seed: int) -> dict[str, Any]:
    interval = wilson_interval(sum(row["is_success"] for row in rows), len(rows))
    return {
        "trials": len(rows),
        "seed": seed,
        "success_rate": interval.value,
        "low": interval.low,
        "high": interval.high,
        "collateral_rate": sum(row["is_collateral"] for row in rows) / len(rows),
    }


def _row(index: int, *, seed: int, held_out: bool, menagerie: Path) -> dict[str, Any]:
    result = run_trial(index, seed=seed, held_out=held_out, menagerie=menagerie)
    return {**result.row(), "seed": seed, "held_out": held_out}


def _taken_over(config: BenchConfig) -> dict[int, dict[str, Any]]:
    if config.records is None or not config.records.is_file():
        return {}
    done = {}
    for number, line in enumerate(config.records.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            # The last line of a run that was killed may be cut off; its trial is run again.
            continue
        if (row.get("seed"), row.get("held_out")) != (config.seed, config.held_out):
            raise BenchError(
                f"{config.records}, line {number}: a trial with seed {row.get('seed')} and "
                f"held_out {row.get('held_out')}; name another file to begin anew"
            )
        if row["index"] < config.trials:
            done[row["index"]] = row
    return done


def _results(
    config: BenchConfig, trial: partial[dict[str, Any]], indices: Sequence[int]
) -> Iterator[dict[str, Any]]:
    if config.ray is not None:
        yield from _on_ray(config.ray, trial, indices)
    elif config.workers == 1:
        yield from map(trial, indices)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(config.workers, mp_context=context) as pool:
            futures = [pool.submit(trial, index) for index in indices]
            yield from (future.result() for future in as_completed(futures))


def _on_ray(
    address: str, trial: partial[dict[str, Any]], indices: Sequence[int]
) -> Iterator[dict[str, Any]]:
    try:
        import ray
    except ImportError as error:
        raise BenchError("--ray needs Ray: pip install 'ray==2.60.0'") from error
    ray.init(address=address, ignore_reinit_error=True)
    remote = ray.remote(num_cpus=1)(trial.func)
    waiting = [remote.remote(index, **trial.keywords) for index in indices]
    while waiting:
        ready, waiting = ray.wait(waiting)
        yield from ray.get(ready)
