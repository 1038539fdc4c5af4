"""`regard tradeoffs fit`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.cells import read_cells
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.gates import GATE_STATES
from regard.tradeoffs.summary import print_summary, summary_of
from regard.tradeoffs.verdict import judge


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Fit a table of cells from elsewhere: T1 to T5, without the gates' rows no verdict.

    Columns: state, scale, intensity, gap, order, labels, wording, context, n, n_max, n_refused,
    n_unparsed; a table that also has the rows of the gates gets a verdict.

    Example: regard tradeoffs fit cells.csv --state pain --json
    """

    table: Annotated[Path, tyro.conf.Positional]
    """A CSV, one row a cell."""
    state: str = "pain"
    """The state that is judged."""
    scale: str = "numeric"
    """The scale whose rows count: numeric, verbal or shuffled."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints what a table shows.

    Raises:
        TradeoffsError: The table cannot be used, or lacks the state.
    """
    options = tyro.cli(FitOptions, prog="regard tradeoffs fit", args=list(argv))
    frame = read_cells(options.table)
    layout = Layout(frame)
    has_gates = all(layout.rows(state).size for state in GATE_STATES)
    verdict = judge(
        frame,
        options.state,
        criteria=Criteria(),
        scale=options.scale,
        with_gates=has_gates,
        layout=layout,
    )
    summary = summary_of(verdict)
    if options.json:
        print(json.dumps(summary, indent=2, allow_nan=False))
    else:
        print_summary(summary, Console())
    return 0
