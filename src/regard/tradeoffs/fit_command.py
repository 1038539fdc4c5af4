"""`regard tradeoffs fit`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from regard.tradeoffs.analysis.answers import answers_of
from regard.tradeoffs.analysis.hierarchical import Pooled, fit_pooled
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
    hierarchical: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Also sample a Bayesian model that pools the wordings partially (the extra
    tradeoffs-bayes); a minute or more, and nothing rests on it."""
    seed: int = 0
    """Of that model's chains."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints what a table shows.

    Raises:
        TradeoffsError: The table cannot be used, or lacks the state; the hierarchical model needs
            PyMC, or choices that follow the level.
    """
    options = tyro.cli(FitOptions, prog="regard tradeoffs fit", args=list(argv))
    criteria = Criteria()
    frame = read_cells(options.table)
    layout = Layout(frame)
    has_gates = all(layout.rows(state).size for state in GATE_STATES)
    verdict = judge(
        frame,
        options.state,
        criteria=criteria,
        scale=options.scale,
        with_gates=has_gates,
        layout=layout,
    )
    summary = summary_of(verdict)
    pooled = None
    if options.hierarchical:
        block = layout.block(options.state, scale=options.scale)
        pooled = fit_pooled(
            block,
            answers_of(frame, "text"),
            confidence=criteria.confidence,
            seed=options.seed,
            cores=os.cpu_count() or 1,
        )
        summary["hierarchical"] = {**asdict(pooled), "converged": pooled.converged}
    if options.json:
        print(json.dumps(summary, indent=2, allow_nan=False))
    else:
        print_summary(summary, Console())
        if pooled is not None:
            _print_pooled(pooled, Console())
    return 0


def _print_pooled(pooled: Pooled, console: Console) -> None:
    shown = {
        "threshold, mean over wordings": pooled.threshold,
        "threshold, sd between wordings": pooled.threshold_sd,
        "slope, middle wording": pooled.slope,
        "log slope, sd between wordings": pooled.slope_sd,
        **({} if pooled.price is None else {"price, levels per log gap": pooled.price}),
    }
    console.print("hierarchical model, posterior means with 95 % intervals:", style="bold")
    for name, each in shown.items():
        console.print(f"  {name}: {each.value:.3g} [{each.low:.3g}, {each.high:.3g}]")
    state = "" if pooled.converged else " (NOT CONVERGED: do not read the intervals)"
    console.print(
        f"  {pooled.num_draws} draws, R-hat {pooled.r_hat:.3f}, effective sample size "
        f"{pooled.ess:.0f}, {pooled.divergences} divergences{state}"
    )
