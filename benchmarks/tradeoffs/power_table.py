"""Power by size of the design, for a strong, a middling and a weak effect."""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from regard.common.rows import Measurement, write_rows
from regard.tradeoffs.power import Effect, PowerRow, power_rows

SEED = 20_261_128
EFFECTS = {
    "strong": Effect(slope=1.0, price=0.6),
    "middling": Effect(slope=0.5, price=0.3),
    "weak": Effect(slope=0.3, price=0.15, wording_sd=1.0, cell_noise=0.5),
}
SIZES = [(wordings, runs) for wordings in (6, 9, 12) for runs in (2, 5, 10)]

Task = tuple[str, int, int, int]
"""Effect, wordings, runs, respondents."""


def one_size(task: Task) -> PowerRow:
    """One size of one effect."""
    name, wordings, runs, draws = task
    return power_rows(EFFECTS[name], wordings=[wordings], runs=[runs], draws=draws, seed=SEED)[0]


def measure(draws: int, workers: int) -> list[Measurement]:
    """A row a size and effect."""
    tasks = [(name, *size, draws) for name in EFFECTS for size in SIZES]
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(one_size, tasks))
    return [
        Measurement(
            metric=f"tradeoffs.power/{name}/{row.wordings}-wordings-{row.runs}-answers",
            value=row.verdict.value,
            unit="1",
            n=row.draws,
            low=row.verdict.low,
            high=row.verdict.high,
            notes=f"share called a trade-off, {row.calls} answers; {EFFECTS[name]}; held: "
            + ", ".join(f"{each} {share.value:.2f}" for each, share in row.held.items())
            + "; Wilson interval",
        )
        for (name, *_), row in zip(tasks, found, strict=True)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200, help="respondents a size (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the commit measured, where there is no git history")
    options = parser.parse_args(argv)
    rows = measure(options.draws, options.workers)
    for row in rows:
        print(f"{row.metric} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] {row.notes}")
    if options.write:
        command = f"python -m benchmarks.tradeoffs.power_table --draws {options.draws} --write"
        write_rows("tradeoffs", rows, command=command, seed=SEED, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
