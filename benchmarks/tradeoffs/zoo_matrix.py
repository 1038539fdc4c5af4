"""The verdicts of 1,000 respondents of every kind in the truth table, both zoos."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.common.statistics import wilson_interval
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.truth_table import Kind, truth_table
from regard.tradeoffs.zoo import ANSWERS, judge_draws

SEED = 20_261_126
DRAWS = 1_000
CHUNK = 25

Task = tuple[str, int]
"""A kind and its first draw."""


def run(draws: int, *, workers: int, kept: Path) -> dict[str, Counter[str]]:
    """Judges what the file `kept` lacks, and keeps each chunk as it is done."""
    chunks = read_chunks(kept)
    tasks = [
        (name, first)
        for name in truth_table().kinds
        for first in range(0, draws, CHUNK)
        if (name, first) not in chunks
    ]
    with (
        progress_bar("chunks", len(tasks)) as advance,
        ProcessPoolExecutor(workers) as pool,
        kept.open("a", encoding="utf-8") as file,
    ):
        futures = {
            pool.submit(judge_draws, (name, range(first, first + CHUNK)), seed=SEED): (name, first)
            for name, first in tasks
        }
        for future in as_completed(futures):
            name, first = futures[future]
            chunks[name, first] = future.result()
            line = {"kind": name, "first": first, "verdicts": chunks[name, first], "seed": SEED}
            file.write(json.dumps(line) + "\n")
            file.flush()
            advance(1)
    totals: dict[str, Counter[str]] = {name: Counter() for name in truth_table().kinds}
    for (name, first), verdicts in chunks.items():
        if first < draws:
            totals[name] += verdicts
    return totals


def read_chunks(path: Path) -> dict[Task, Counter[str]]:
    """What an earlier run kept."""
    if not path.is_file():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        (line["kind"], line["first"]): Counter(line["verdicts"])
        for line in lines
        if line["seed"] == SEED
    }


def measurements(totals: dict[str, Counter[str]]) -> list[Measurement]:
    """Rows by kind, and over each zoo."""
    table = truth_table()
    rows = []
    for number in (1, 2):
        kinds = table.zoo(number)
        rows.append(_overall(kinds, totals, number))
        for kind in kinds:
            rows += _of_kind(kind, totals[kind.name])
    return rows


def _overall(kinds: Sequence[Kind], totals: dict[str, Counter[str]], number: int) -> Measurement:
    allowed = sum(totals[kind.name][word] for kind in kinds for word in kind.allowed)
    total = sum(totals[kind.name].total() for kind in kinds)
    interval = wilson_interval(allowed, total)
    worst = min(kinds, key=lambda kind: _share(kind, totals[kind.name]))
    return Measurement(
        metric=f"tradeoffs.zoo_allowed/zoo-{number}",
        value=interval.value,
        unit="1",
        n=total,
        low=interval.low,
        high=interval.high,
        notes=f"share of verdicts that the truth table allows; {len(kinds)} kinds, {ANSWERS} "
        f"answers a cell; worst kind: {worst.name}, {_share(worst, totals[worst.name]):.3f}; "
        f"criteria {Criteria().digest()[:12]}; Wilson interval",
    )


def _share(kind: Kind, counts: Counter[str]) -> float:
    return sum(counts[word] for word in kind.allowed) / max(1, counts.total())


def _of_kind(kind: Kind, counts: Counter[str]) -> list[Measurement]:
    slug = kind.name.replace(" ", "-")
    words = ", ".join(f"{number} {word}" for word, number in counts.most_common())
    found = [("zoo_allowed", sum(counts[word] for word in kind.allowed), words)]
    if kind.never:
        note = "share called a trade-off; none may be"
        found.append(("zoo_false_trade_off", counts["trade-off"], note))
    rows = []
    for name, number, note in found:
        interval = wilson_interval(number, counts.total())
        rows.append(
            Measurement(
                metric=f"tradeoffs.{name}/{slug}",
                value=interval.value,
                unit="1",
                n=counts.total(),
                low=interval.low,
                high=interval.high,
                notes=f"zoo {kind.zoo}: {note}; Wilson interval",
            )
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Judge, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--draws",
        type=int,
        default=DRAWS,
        help=f"respondents a kind (%(default)s), rounded up to whole chunks of {CHUNK}",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--kept", type=Path, default=Path("zoo_matrix.jsonl"), help="where finished chunks go"
    )
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the commit measured, where there is no git history")
    options = parser.parse_args(argv)
    draws = -(-options.draws // CHUNK) * CHUNK
    rows = measurements(run(draws, workers=options.workers, kept=options.kept))
    for row in rows:
        print(f"{row.metric} {row.value:.4f} [{row.low:.4f}, {row.high:.4f}] {row.notes}")
    if options.write:
        command = f"python -m benchmarks.tradeoffs.zoo_matrix --draws {draws} --write"
        write_rows("tradeoffs", rows, command=command, seed=SEED, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
