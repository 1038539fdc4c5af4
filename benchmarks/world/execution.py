"""Success of the right plan, for development and held-out objects, as rows.

python -m benchmarks.world.execution --trials 550 --workers 16
python -m benchmarks.world.execution --held-out --trials 220 --workers 16
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.common.rows import Measurement, write_rows
from regard.common.statistics import wilson_interval
from regard.world.arm.assets import menagerie
from regard.world.execution.bench import BenchConfig, run_bench, summarise

NOTES = (
    "right plan given; MuJoCo state only; Wilson 95 %; collateral counts as a failure; "
    "pose noise 3 mm, 1.5 mm, 1.7 degrees"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the trials and writes the rows."""
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
    summary = summarise(rows, seed=config.seed)
    command = "python -m benchmarks.world.execution"
    command += " --held-out" * config.held_out
    command += f" --trials {config.trials} --seed {config.seed}"
    which = "held_out" if config.held_out else "development"
    write_rows(
        "world",
        _measurements(summary, rows, which),
        command=command,
        seed=config.seed,
        commit=arguments.commit,
    )
    return 0


def _measurements(
    summary: dict[str, Any], rows: Sequence[dict[str, Any]], which: str
) -> list[Measurement]:
    """Success over all and by family, and collateral."""
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
            notes="another object moved over 3 cm, or a force over its limit; Wilson 95 %",
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
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=550)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--records", type=Path, help="JSONL of trials; a broken-off run goes on")
    parser.add_argument("--commit", help="the measured commit, on a machine without git")
    return parser


if __name__ == "__main__":
    sys.exit(main())
