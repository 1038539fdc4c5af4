"""`regard tradeoffs compare`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from regard.tradeoffs.compare import ComparedVerdict, compare
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.report.comparison import make_comparison
from regard.tradeoffs.report.page import write_page
from regard.tradeoffs.report.registration import default_folder, registration_of


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Set the verdicts of several runs of one design side by side, corrected for their number.

    Example: regard tradeoffs compare logs/one logs/other --out comparison.html
    """

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Logs, or folders with the logs of one run each."""
    out: Path | None = None
    """Also write the comparison there, as one self-contained HTML page."""
    all_logs: Path | None = None
    """Folder in which all logs of all runs lie, for counting those of each model; by default two
    folders above each run's, which is where regard tradeoffs run puts them."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints one row a model and target, and writes the page where one is asked for.

    Raises:
        TradeoffsError: A log cannot be read, the runs cannot be compared, or the page cannot be
            written.
    """
    options = tyro.cli(CompareOptions, prog="regard tradeoffs compare", args=list(argv))
    criteria = Criteria()
    runs = [read_run(path) for path in options.logs]
    rows = compare(runs, criteria=criteria)
    if options.out is not None:
        folders = [options.all_logs or default_folder(path) for path in options.logs]
        known = [
            (run, registration_of(run, folder=folder))
            for run, folder in zip(runs, folders, strict=True)
        ]
        write_page(make_comparison(known, rows, criteria=criteria), options.out)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(rows, Console())
        if options.out is not None:
            print(options.out)
    return 0


def _print(rows: Sequence[ComparedVerdict], console: Console) -> None:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("model", "target", "verdict", "slope", "threshold", "price", "p (Holm)"):
        # Folded, not cut: models are told apart by the end of their names.
        table.add_column(heading, overflow="fold")
    for row in rows:
        adjusted = "" if row.p_value_holm is None else f"{row.p_value_holm:.2g}"
        mark = "" if row.holds is not False else " (no)"
        table.add_row(
            row.model,
            row.target,
            row.verdict,
            _interval(row.slope),
            row.threshold,
            _interval(row.price),
            adjusted + mark,
        )
    console.print(table)


def _interval(values: tuple[float, float, float] | None) -> str:
    return "" if values is None else f"{values[0]:.2f} [{values[1]:.2f}, {values[2]:.2f}]"
