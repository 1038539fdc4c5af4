"""Success of the right plan with development objects; see `held_out` for the others.

python -m benchmarks.world.execution --trials 550 --workers 2 --records trials.jsonl --write
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.common.rows import Measurement, package_versions, write_rows
from regard.common.statistics import wilson_interval
from regard.world.arm.assets import menagerie
from regard.world.execution.bench import BenchConfig, run_bench, summarise

NOTES = (
    "right plan given; MuJoCo state only; Wilson 95 %; collateral counts as a failure; "
    "pose noise 3 mm, 1.5 mm, 1.7 degrees"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the trials, prints the rows, and writes them where asked."""
    arguments = _parser().parse_args(argv)
    config = BenchConfig(
        trials=arguments.trials,
        seed=arguments.seed,
        held_out=arguments.held_out,
        workers=arguments.workers,
        ray=None,
        records=arguments.records,
    )
    rows = run_bench(config, menagerie=menagerie(), progress=True)
    which = "held_out" if config.held_out else "development"
    measured = _measurements(rows, which, seed=config.seed)
    for each in measured:
        print(f"{each.metric} {each.value:.3f} [{each.low:.3f}, {each.high:.3f}] n={each.n}")
    if arguments.write:
        command = "python -m benchmarks.world.execution" + " --held-out" * config.held_out
        command += f" --trials {config.trials} --seed {config.seed} --write"
        write_rows("world", measured, command=command, seed=config.seed, commit=arguments.commit)
    return 0


def _measurements(rows: Sequence[dict[str, Any]], which: str, *, seed: int) -> list[Measurement]:
    """Success over all and by family, and collateral."""
    summary = summarise(rows, seed=seed)
    found = [_success(f"world.execution.{which}.success", summary)]
    for family, each in summary["families"].items():
        found.append(_success(f"world.execution.{which}.{family}.success", each))
    interval = wilson_interval(sum(row["is_collateral"] for row in rows), len(rows))
    found.append(
        Measurement(
            metric=f"world.execution.{which}.collateral",
            value=interval.value,
            unit="1",
            n=len(rows),
            low=interval.low,
            high=interval.high,
            notes="another object moved over 3 cm, or a force or the speed near the person over "
            "its limit; Wilson 95 %",
            extra_versions=package_versions(("mujoco", "mink")),
        )
    )
    return found


def _success(metric: str, share: dict[str, Any]) -> Measurement:
    return Measurement(
        metric=metric,
        value=share["success_rate"],
        unit="1",
        n=share["trials"],
        low=share["low"],
        high=share["high"],
        notes=NOTES,
        extra_versions=package_versions(("mujoco", "mink")),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=550)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--records", type=Path, help="JSONL of trials; a broken-off run goes on")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the measured commit, where there is no git")
    return parser


if __name__ == "__main__":
    sys.exit(main())
