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


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Set the verdicts of several runs of one plan side by side, corrected for their number.

    Example: regard tradeoffs compare logs/one logs/other --json
    """

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Logs, or folders with the logs of one run each."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints one row a model and target.

    Raises:
        TradeoffsError: A log cannot be read, or the runs cannot be compared.
    """
    options = tyro.cli(CompareOptions, prog="regard tradeoffs compare", args=list(argv))
    rows = compare([read_run(path) for path in options.logs], criteria=Criteria())
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(rows, Console())
    return 0


def _print(rows: Sequence[ComparedVerdict], console: Console) -> None:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("model", "target", "verdict", "slope", "threshold", "price", "p (Holm)"):
        table.add_column(heading)
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
