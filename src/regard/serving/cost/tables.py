"""One table, printed for a person, as CSV or as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

Cell = str | float | int | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column."""

    key: str
    """Its name in CSV."""

    title: str
    """Its heading for a person."""

    form: str = ""
    """How a number is written for a person; CSV has all digits."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under columns."""

    title: str
    """What it shows."""

    columns: tuple[Column, ...]
    """Its columns."""

    rows: tuple[tuple[Cell, ...], ...]
    """Its rows, a cell for each column."""

    caption: str = ""
    """What a reader must know."""

    def as_csv(self) -> str:
        """Comma-separated, with a heading."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([column.key for column in self.columns])
        writer.writerows(["" if cell is None else cell for cell in row] for row in self.rows)
        return buffer.getvalue()

    def written(self, column: Column, cell: Cell) -> str:
        """A cell for a person."""
        if cell is None:
            return "-"
        return cell if isinstance(cell, str) else format(cell, column.form)

    def print(self, console: Console) -> None:
        """For a person."""
        table = RichTable(
            title=self.title, caption=self.caption or None, title_justify="left",
            caption_justify="left",
        )  # fmt: skip
        for column in self.columns:
            table.add_column(column.title, justify="right" if column.form else "left")
        for row in self.rows:
            pairs = zip(self.columns, row, strict=True)
            table.add_row(*(self.written(column, cell) for column, cell in pairs))
        console.print(table)


def print_output(
    tables: Sequence[Table], *, data: Any, as_json: bool, as_csv: bool, width: int | None = None
) -> None:
    """Prints `data` as JSON, the tables as CSV, or the tables for a person.

    A terminal wraps a wide table; a pipe gets its full width.
    """
    if as_json:
        print(json.dumps(data, indent=2))
        return
    if as_csv:
        print("\n".join(table.as_csv() for table in tables), end="")
        return
    console = Console(width=width)
    if not console.is_terminal and width is None:
        console = Console(width=WIDE)
    for table in tables:
        table.print(console)


WIDE = 200
