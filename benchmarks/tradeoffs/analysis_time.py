"""Processor time of the analysis of the full factorial: reading, verdicts, and the whole page."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from regard.common.rows import Measurement, write_rows
from regard.common.statistics import median_with_percentiles
from regard.tradeoffs.cells import read_cells, write_cells
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import FULL
from regard.tradeoffs.read_log import RunLog
from regard.tradeoffs.report.page import make_page
from regard.tradeoffs.report.registration import Registration
from regard.tradeoffs.respondents.contract import key_frame, simulate
from regard.tradeoffs.respondents.threshold import threshold_player
from regard.tradeoffs.states import TARGETS
from regard.tradeoffs.verdict import judge

SEED = 20_261_129
ANSWERS = 5
REGISTRATION = Registration(
    exploratory=True, reasons=("simulated",), committed_at="", num_plans=1, num_logs=1
)


def make_table(path: Path) -> None:
    """Writes the full factorial as a trader answers it, in text and log-probabilities."""
    table = simulate(
        threshold_player({"wording_sd": 0.4, "cell_noise": 0.2}),
        key_frame(FULL),
        np.random.default_rng(SEED),
        answers=ANSWERS,
        readings=("text", "logprob"),
    )
    write_cells(table, path)


def verdicts(path: Path) -> None:
    """From the file to both verdicts."""
    table = read_cells(path)
    for target in TARGETS:
        judge(table, target, criteria=Criteria())


def page(path: Path) -> None:
    """From the file to the page, with bootstrap-t, Firth's curves and figures."""
    run = RunLog(
        cells=read_cells(path),
        task="factorial",
        model="respondent",
        plan="",
        plan_design="",
        plan_commit="unknown",
        plan_written_at="",
        criteria=Criteria().digest(),
        prompts="",
        commit="unknown",
        first_sample_at="",
        paths=(path,),
        num_truncated=0,
        num_errors=0,
    )
    make_page(run, REGISTRATION)


def measure(repeats: int) -> list[Measurement]:
    """Rows of both."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.csv"
        make_table(path)
        for name, work in (("verdicts", verdicts), ("page", page)):
            work(path)
            times = [_seconds(work, path) for _ in range(repeats)]
            interval = median_with_percentiles(times)
            rows.append(
                Measurement(
                    metric=f"tradeoffs.analysis_seconds/{name}",
                    value=interval.value,
                    unit="s",
                    n=repeats,
                    low=interval.low,
                    high=interval.high,
                    notes=f"processor time of one process, {len(key_frame(FULL))} cells, two "
                    "readings; median with 20th and 80th percentile, imports left out",
                )
            )
    return rows


def _seconds(work: Callable[[Path], None], path: Path) -> float:
    started = time.process_time()
    work(path)
    return time.process_time() - started


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the commit measured, where there is no git history")
    options = parser.parse_args(argv)
    rows = measure(options.repeats)
    for row in rows:
        print(f"{row.metric} {row.value:.2f} [{row.low:.2f}, {row.high:.2f}] {row.unit}")
    if options.write:
        command = (
            f"python -m benchmarks.tradeoffs.analysis_time --repeats {options.repeats} --write"
        )
        write_rows("tradeoffs", rows, command=command, seed=SEED, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
