"""How long it takes to record successful demonstrations of one task.

By the clock, from nothing to the written datasets, with so many processes; the aim is 100 of one
fold in five minutes on two cores. The CPU time of all processes is told beside it.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from regard.cloth.demonstrations.collection import Collected, collect
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.policies.registry import POLICIES
from regard.cloth.tasks import TASKS
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows


def timed_collection(
    settings: DemonstrationSettings, successes: int, folder: Path, *, workers: int
) -> tuple[Collected, float, float]:
    """What was collected, seconds by the clock, CPU seconds of this process and its workers."""
    clock, cpu = time.perf_counter(), sum(os.times()[:4])
    with progress_bar(f"{settings.task} by {settings.policy}", successes) as advance:
        collected = collect(settings, successes, folder, workers=workers, advance=advance)
    return collected, time.perf_counter() - clock, sum(os.times()[:4]) - cpu


def measurement(
    settings: DemonstrationSettings,
    collected: Collected,
    *,
    seconds: float,
    cpu_seconds: float,
    workers: int,
) -> Measurement:
    """The row."""
    tried = collected.num_successes + collected.num_failures
    return Measurement(
        metric=f"cloth_demonstration_seconds/{settings.task}/{settings.policy}",
        value=seconds,
        unit="s",
        n=collected.num_successes,
        notes=(
            f"by the clock for {collected.num_successes} successes of {tried} episodes, "
            f"{collected.num_failures} failures kept apart, {workers} processes, "
            f"{cpu_seconds / tried:.1f} CPU seconds an episode, {settings.engine}, "
            f"{settings.ranges} ranges"
        ),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Record, print, and write a row where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=tuple(TASKS), default="fold-diagonal")
    parser.add_argument("--policy", choices=tuple(POLICIES), default="nmpc")
    parser.add_argument("--engine", default="mujoco")
    parser.add_argument("--successes", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="append a row to results/")
    parser.add_argument("--commit", help="the measured commit, where there is no git")
    options = parser.parse_args(argv)
    settings = DemonstrationSettings(
        task=options.task, policy=options.policy, engine=options.engine, seed=options.seed
    )
    with tempfile.TemporaryDirectory() as folder:
        collected, seconds, cpu_seconds = timed_collection(
            settings, options.successes, Path(folder), workers=options.workers
        )
    row = measurement(
        settings, collected, seconds=seconds, cpu_seconds=cpu_seconds, workers=options.workers
    )
    print(f"{row.metric} {row.value:.0f} s, {row.notes}")
    if options.write:
        command = (
            f"python -m benchmarks.cloth.demonstrations --task {options.task} "
            f"--policy {options.policy} --engine {options.engine} "
            f"--successes {options.successes} --workers {options.workers} "
            f"--seed {options.seed} --write"
        )
        write_rows("cloth", [row], command=command, seed=options.seed, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
