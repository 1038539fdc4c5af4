"""Which gate SmolLM2's committed answers fail, and by how much: no model is asked again.

The tables are `results/tradeoffs/*.csv`, written by `regard tradeoffs cells` from the logs whose
plan and commits stand in the `*.run.json` beside them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from regard.common.repository import repository_root
from regard.common.rows import Measurement, write_rows
from regard.common.statistics import wilson_interval
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.cells import read_cells
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.states import JUDGED_SCALES, TARGETS
from regard.tradeoffs.verdict import judge

FOLDER = Path("results") / "tradeoffs"
TASKS = ("replica", "factorial")
PERCENTILES = (2.5, 97.5)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the commit measured, where there is no git history")
    options = parser.parse_args(argv)
    rows = [row for task in TASKS for row in measurements(task, repository_root() / FOLDER)]
    for row in rows:
        print(f"{row.metric} {row.value:.4f} [{row.low:.4f}, {row.high:.4f}] {row.notes}")
    if options.write:
        command = "python -m benchmarks.tradeoffs.smollm2_gates --write"
        write_rows("tradeoffs", rows, command=command, seed=None, commit=options.commit)
    return 0


def measurements(task: str, folder: Path) -> list[Measurement]:
    """Share of the text answers that can be read, and mass of the labels at the first token."""
    text = read_cells(folder / f"smollm2_{task}_text.csv")
    logprob = read_cells(folder / f"smollm2_{task}_logprob.csv")
    asked = int(text["n"].sum())
    parsed = wilson_interval(asked - int(text["n_unparsed"].sum()), asked)
    mass = logprob["label_mass"].to_numpy(dtype=np.float64)
    low, high = np.percentile(mass, PERCENTILES)
    limits = Criteria()
    return [
        Measurement(
            metric=f"tradeoffs.smollm2_parsed/{task}",
            value=parsed.value,
            unit="1",
            n=asked,
            low=parsed.low,
            high=parsed.high,
            notes=f"answers that name an option or decline; {limits.parsed_share} is needed; "
            f"{_words(text, task)}; Wilson interval",
        ),
        Measurement(
            metric=f"tradeoffs.smollm2_label_mass/{task}",
            value=float(mass.mean()),
            unit="1",
            n=len(mass),
            low=float(low),
            high=float(high),
            notes=f"mean over prompts; {limits.label_mass} is needed; {_words(logprob, task)}; "
            "2.5th and 97.5th percentile over prompts",
        ),
    ]


def _words(table: pd.DataFrame, task: str) -> str:
    layout = Layout(table)
    verdicts = {
        f"{target} {scale}": judge(
            table, target, criteria=Criteria(), scale=scale, layout=layout
        ).verdict
        for target in TARGETS
        for scale in JUDGED_SCALES[task]
    }
    if len(set(verdicts.values())) == 1:
        return f"every target: {next(iter(verdicts.values()))}"
    return ", ".join(f"{name}: {word}" for name, word in verdicts.items())


if __name__ == "__main__":
    sys.exit(main())
