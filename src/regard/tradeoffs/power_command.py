"""`regard tradeoffs power`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated

import tyro
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from regard.common.progress import progress_bar
from regard.tradeoffs.power import Effect, PowerRow, power_rows, smallest


@dataclass(frozen=True, kw_only=True)
class PowerOptions:
    """Say how many wordings and answers a cell an effect needs, by simulation.

    Example: regard tradeoffs power --effect.slope 0.5 --effect.price 0.3 --wordings 6 12
    """

    effect: Effect = field(default_factory=Effect)
    """What the respondent does."""
    wordings: tuple[int, ...] = (6, 9, 12)
    """Paraphrases, at most as many as there are."""
    runs: tuple[int, ...] = (1, 2, 5)
    """Text answers a cell."""
    draws: int = 40
    """Respondents a size."""
    power: float = 0.8
    """Share of them that should get the verdict."""
    seed: int = 0
    """Of everything that is drawn."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints the share of respondents that get the verdict, by size.

    Raises:
        TradeoffsError: A number is out of range.
    """
    options = tyro.cli(PowerOptions, prog="regard tradeoffs power", args=list(argv))
    with progress_bar("sizes", len(options.wordings) * len(options.runs)) as advance:
        rows = power_rows(
            options.effect,
            wordings=options.wordings,
            runs=options.runs,
            draws=options.draws,
            seed=options.seed,
            advance=advance,
        )
    enough = smallest(rows, options.power)
    if options.json:
        content = {
            "effect": asdict(options.effect),
            "rows": [asdict(row) for row in rows],
            "enough": None if enough is None else asdict(enough),
        }
        print(json.dumps(content, indent=2, allow_nan=False))
        return 0
    _print(rows, Console())
    if enough is None:
        print(f"no size reaches {options.power:.0%}: add wordings before answers")
    else:
        print(
            f"enough for {options.power:.0%}: {enough.wordings} wordings, {enough.runs} answers a "
            f"cell, {enough.calls} calls"
        )
    return 0


def _print(rows: Sequence[PowerRow], console: Console) -> None:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    names = list(rows[0].held)
    for heading in ("wordings", "runs", "calls", *(name.split()[0] for name in names), "verdict"):
        table.add_column(heading, justify="right")
    for row in rows:
        shares = [f"{row.held[name].value:.0%}" for name in names]
        verdict = f"{row.verdict.value:.0%} [{row.verdict.low:.0%}, {row.verdict.high:.0%}]"
        table.add_row(str(row.wordings), str(row.runs), str(row.calls), *shares, verdict)
    console.print(table)
