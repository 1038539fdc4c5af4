"""`regard results`: the committed result rows as a table."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

from regard.common.rows import ResultRow, read_rows
from regard.common.tables import cells_of

MEASURED = ("metric", "value", "unit", "n", "interval")
COLUMNS = (*MEASURED, "device", "commit", "date")
WIDE = 150


def main(argv: Sequence[str]) -> int:
    """Lists rows; exits 1 when none matches."""
    arguments = _parser().parse_args(argv)
    rows = [
        row for row in read_rows(arguments.results) if fnmatchcase(row.metric, arguments.metric)
    ]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
        return 0 if rows else 1
    if not rows:
        print(f"no row's metric matches {arguments.metric!r}")
        return 1
    _print_table(rows)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard results",
        description="List the committed result rows.",
        epilog="example: regard results --metric 'serving.*' --json",
    )
    parser.add_argument(
        "--metric", default="*", metavar="GLOB", help="only these metrics (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as one JSON list")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FOLDER",
        help="where the *.jsonl files are (this checkout's)",
    )
    return parser


def _print_table(rows: Sequence[ResultRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    # Where a row came from is for wide terminals; what it says must never be cut.
    shown = len(COLUMNS) if console.width >= WIDE or not console.is_terminal else len(MEASURED)
    table = Table()
    for name in COLUMNS[:shown]:
        table.add_column(name, no_wrap=name == "value", overflow="fold")
    for row in rows:
        table.add_row(*cells_of(row)[:shown])
    console.print(table)
