"""`regard tradeoffs zoo`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import tyro
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from regard.common.progress import progress_bar
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.truth_table import Kind, truth_table
from regard.tradeoffs.zoo import ZooCounts, count_verdicts


@dataclass(frozen=True, kw_only=True)
class ZooOptions:
    """Judge simulated respondents whose true verdict is known, both zoos.

    Each draw plays the full factorial, five answers a cell, without Inspect.

    Example: regard tradeoffs zoo --draws 10 --seed 1 --json
    """

    draws: int = 10
    """Respondents a kind."""
    seed: int = 0
    """Of everything that is drawn."""
    kinds: tuple[str, ...] = ()
    """Only these kinds of the truth table."""
    workers: int = 0
    """Processes; 0 takes one a core."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print counts and allowed verdicts as JSON."""


def main(argv: Sequence[str]) -> int:
    """Prints the verdicts of each kind; exits 1 where a kind that is never a trade-off is one.

    Raises:
        TradeoffsError: A number is too small, or there is no such kind.
    """
    options = tyro.cli(ZooOptions, prog="regard tradeoffs zoo", args=list(argv))
    if options.draws < 1 or options.workers < 0:
        raise TradeoffsError(
            f"draws {options.draws}, workers {options.workers}: give at least 1 and 0"
        )
    table = truth_table()
    names = options.kinds or tuple(table.kinds)
    kinds = [table.kind(name) for name in names]
    with progress_bar("respondents", len(kinds) * options.draws) as advance:
        found = count_verdicts(
            kinds,
            draws=options.draws,
            seed=options.seed,
            workers=options.workers or os.cpu_count() or 1,
            advance=advance,
        )
    if options.json:
        print(json.dumps(asdict(found), indent=2))
    else:
        _print(found, kinds)
    return int(any(kind.never and found.counts[kind.name].get("trade-off") for kind in kinds))


def _print(found: ZooCounts, kinds: Sequence[Kind]) -> None:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("zoo", "kind", "allowed", "verdicts"):
        table.add_column(heading, justify="right" if heading == "allowed" else "left")
    for kind in kinds:
        counts = found.counts[kind.name]
        total = sum(counts.values())
        words = ", ".join(
            f"{number} {verdict}" + ("" if verdict in kind.allowed else " (!)")
            for verdict, number in sorted(counts.items(), key=lambda item: -item[1])
        )
        table.add_row(str(kind.zoo), kind.name, f"{found.num_allowed(kind.name)}/{total}", words)
    Console().print(table)
