"""`regard tradeoffs verdict`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from regard.tradeoffs.analysis.holm import holm
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.cells import read_cells
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.states import TARGETS
from regard.tradeoffs.summary import print_summary, summary_of
from regard.tradeoffs.verdict import judge


@dataclass(frozen=True, kw_only=True)
class VerdictOptions:
    """Judge the logs of a run: gates first, then T1 to T6, for pain and for pleasure.

    Example: regard tradeoffs verdict logs --json
    """

    log: Annotated[Path, tyro.conf.Positional]
    """A log, a folder with the logs of one run, or a CSV of cells with the gates' rows."""
    scale: str = "numeric"
    """The scale whose rows count: numeric or verbal."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints the verdict on each target.

    Raises:
        TradeoffsError: The log cannot be read, or was planned under other criteria.
    """
    options = tyro.cli(VerdictOptions, prog="regard tradeoffs verdict", args=list(argv))
    criteria = Criteria()
    if options.log.suffix == ".csv":
        model, frame = None, read_cells(options.log)
    else:
        run = read_run(options.log)
        if run.criteria != criteria.digest():
            raise TradeoffsError(
                f"{options.log}: planned under criteria {run.criteria[:12]}, this version has "
                f"{criteria.digest()[:12]}; judge it with the version that wrote the plan"
            )
        model, frame = run.model, run.cells
    layout = Layout(frame)
    targets = [each for each in TARGETS if layout.has(each, scale=options.scale)]
    if not targets:
        raise TradeoffsError(f"{options.log}: no target has cells on the scale {options.scale!r}")
    verdicts = {
        target: judge(frame, target, criteria=criteria, scale=options.scale, layout=layout)
        for target in targets
    }
    summaries = {target: summary_of(verdict) for target, verdict in verdicts.items()}
    p_values = {
        target: verdict.readings[0].findings.dose.slope_p_value
        for target, verdict in verdicts.items()
        if verdict.readings
    }
    for target, adjusted in zip(p_values, holm(list(p_values.values())), strict=True):
        summaries[target]["slope_p_value_holm"] = adjusted
    if options.json:
        print(json.dumps({"model": model, "verdicts": summaries}, indent=2, allow_nan=False))
        return 0
    for summary in summaries.values():
        print_summary(summary, Console())
    return 0
