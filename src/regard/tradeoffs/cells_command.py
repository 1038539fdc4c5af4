"""`regard tradeoffs cells`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from regard.tradeoffs.cells import write_cells
from regard.tradeoffs.read_log import HEADER_FIELDS, read_run

PROGRAM = "regard tradeoffs cells"


@dataclass(frozen=True, kw_only=True)
class CellsOptions:
    """Write the logs of a run as a table: one row a cell, as regard tradeoffs fit reads it.

    Example: regard tradeoffs cells logs/run --out cells.csv
    """

    log: Annotated[Path, tyro.conf.Positional]
    """A log, or a folder with the logs of one run."""
    out: Path = Path("cells.csv")
    """Where the table goes."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print what the logs say about the run as JSON."""


def main(argv: Sequence[str]) -> int:
    """Writes the table.

    Raises:
        TradeoffsError: The logs cannot be read, or the table cannot be written.
    """
    options = tyro.cli(CellsOptions, prog=PROGRAM, args=list(argv))
    run = read_run(options.log)
    write_cells(run.cells, options.out)
    summary = {
        "task": run.task,
        "model": run.model,
        **{name: getattr(run, name) for name in HEADER_FIELDS},
        "commit": run.commit,
        "first_sample_at": run.first_sample_at,
        "cells": len(run.cells),
        "answers": int(run.cells["n"].sum()),
        "truncated": run.num_truncated,
        "errors": run.num_errors,
        "incomplete": run.incomplete,
    }
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        print(f"{options.out}: {len(run.cells)} cells of {run.task}, {run.model}")
    return 0
