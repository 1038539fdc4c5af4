"""The table that measuring hands to analysis: one row a cell of the design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.errors import TradeoffsError


class CellsError(TradeoffsError):
    """A table of cells that cannot be used; says which column and row, with the value."""


@dataclass(frozen=True, kw_only=True)
class CellRow:
    """One row: a prompt, how often it was asked, and what came back.

    The first ten fields name the cell. A table holds one model, one task and one cell once.
    Text answers fill the counts, log-probabilities fill `p_max` and `label_mass`; a row may have
    both, and has at least one of them.
    """

    state: str
    """What the sentence stipulates, a name of `regard.tradeoffs.states` (`none`, `pain`, ...).

    Questions for the gates are rows too. `dominated`: fewer points *and* the pain stand on one
    option. `ask-points`, `ask-state`, `ask-intensity`: comprehension. In these, `n_max` counts
    the right answers and `p_max` is the probability of the right answer.
    """

    scale: str
    """How the intensity is worded: `numeric`, `verbal`, `shuffled`; `none` without a state."""

    intensity: float
    """0 to 10 on the numeric scale, the step 1 to 8 on the verbal ones; 0 without a state."""

    gap: float
    """Points by which the best option exceeds the other; above 0."""

    order: str
    """Which option is listed first: `max-first` or `max-second`."""

    labels: str
    """The labels as listed, first option first, joined by `/`: `K/R` is not `R/K`."""

    wording: str
    """Name of the paraphrase: the cluster of every interval."""

    context: str
    """Name of the surrounding text: `bare`, `story`, ..."""

    addressee: str = "model"
    """Who would have the state: `model`, `user`, `player` (fictional) or `assisted`."""

    clause: str = "best-after"
    """The option that the sentence hangs on, `best`, `second`, `both` or `none`, and where it
    stands: `-after` or `-before` the points; `none` alone where there is no sentence."""

    n: int
    """Text answers asked for: all of them, refused and unparsed included; 0 without text."""

    n_max: int
    """Answers that chose the option with the most points."""

    n_refused: int
    """Answers that declined to choose."""

    n_unparsed: int
    """Answers that name no option, or more than one."""

    n_dominated: int = 0
    """Answers that chose an option that is worse in every respect (the replica's "1")."""

    p_max: float = nan
    """Mean probability of the option with the most points among the labels' own mass, 0 to 1;
    NaN without log-probabilities."""

    label_mass: float = nan
    """Mean probability that the first token is one of the labels, 0 to 1; NaN likewise."""


COLUMNS: tuple[str, ...] = tuple(each.name for each in fields(CellRow))
COUNTS: tuple[str, ...] = ("n", "n_max", "n_refused", "n_unparsed", "n_dominated")
SHARES: tuple[str, ...] = ("p_max", "label_mass")
KEYS: tuple[str, ...] = COLUMNS[:10]
TEXTS: tuple[str, ...] = tuple(name for name in KEYS if name not in ("intensity", "gap"))
DEFAULTS: dict[str, object] = {
    each.name: each.default for each in fields(CellRow) if each.default is not MISSING
}
"""Columns that a CSV may lack, with what they are then."""


def read_cells(path: Path) -> pd.DataFrame:
    """Reads a table from CSV, with every column of `CellRow` in order.

    Raises:
        CellsError: The file is missing, no CSV or no such table; with column and line.
    """
    try:
        # Every cell as text: a column of labels like `1/2` must not become a number or a date.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise CellsError(f"{path}: there is no such file") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise CellsError(f"{path} cannot be read as CSV: {error}") from error
    return check_cells(frame, source=str(path))


def write_cells(frame: pd.DataFrame, path: Path) -> None:
    """Writes a table as CSV that `read_cells` gives back.

    Raises:
        CellsError: The table breaks a rule of `CellRow`, or the file cannot be written.
    """
    checked = check_cells(frame, source="the table to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        checked.to_csv(path, index=False)
    except OSError as error:
        raise CellsError(f"cannot write {path}: {error}") from error


def to_frame(rows: Sequence[CellRow]) -> pd.DataFrame:
    """A table of these rows, checked."""
    data = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    return check_cells(pd.DataFrame(data, columns=list(COLUMNS)), source="the rows")


def check_cells(frame: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """The same table with all columns, in order and of their types.

    Args:
        frame: One row a cell; columns of `DEFAULTS` may be missing, others are refused.
        source: What the table is called in an error.

    Raises:
        CellsError: A column, a value or a combination breaks a rule of `CellRow`.
    """
    missing = [name for name in COLUMNS if name not in frame and name not in DEFAULTS]
    if missing:
        raise CellsError(f"{source}: columns missing: {', '.join(missing)}")
    unknown = [str(name) for name in frame.columns if name not in COLUMNS]
    if unknown:
        raise CellsError(
            f"{source}: unknown columns: {', '.join(unknown)}; known are {', '.join(COLUMNS)}"
        )
    if frame.empty:
        raise CellsError(f"{source}: there is no row in it")
    data = {
        name: _column(frame, name, source) if name in frame else [DEFAULTS[name]] * len(frame)
        for name in COLUMNS
    }
    checked = pd.DataFrame(data, columns=list(COLUMNS))
    _check_rows(checked, source)
    return checked


def _column(frame: pd.DataFrame, name: str, source: str) -> object:
    values = frame[name]
    if name in TEXTS:
        texts = values.astype(str)
        _refuse(texts.str.strip() == "", texts, name, source, "give a name")
        return texts.to_numpy(dtype=object)
    # An empty cell is a missing value, which only the probabilities may have.
    blank = values.isna() | (values.astype(str).str.strip() == "")
    numbers = pd.to_numeric(values.where(~blank, nan), errors="coerce")
    wrong = (numbers.isna() & ~blank) | np.isinf(numbers)
    if name not in SHARES:
        wrong |= blank
    _refuse(wrong, values, name, source, "give a number")
    if name in SHARES:
        _refuse((numbers < 0) | (numbers > 1), values, name, source, "give 0 to 1")
    if name == "gap":
        _refuse(numbers <= 0, values, name, source, "give a number above 0")
    if name in COUNTS:
        wrong = (numbers < 0) | (numbers != np.floor(numbers))
        _refuse(wrong, values, name, source, "give a whole number from 0")
        return numbers.to_numpy(dtype=np.int64)
    return numbers.to_numpy(dtype=np.float64)


def _check_rows(frame: pd.DataFrame, source: str) -> None:
    used = frame[list(COUNTS[1:])].sum(axis=1)
    described = used.astype(str) + " outcomes of " + frame["n"].astype(str) + " answers"
    _refuse(used > frame["n"], described, "n", source, "outcomes cannot exceed answers")
    empty = (frame["n"] == 0) & frame["p_max"].isna()
    _refuse(empty, frame["n"], "n", source, "a row needs text answers or p_max")
    twice = frame.duplicated(list(KEYS))
    _refuse(twice, frame["state"], "state", source, "this cell stands in the table already")


def _refuse(wrong: pd.Series, shown: pd.Series, name: str, source: str, remedy: str) -> None:
    if not wrong.any():
        return
    at = int(np.flatnonzero(wrong.to_numpy())[0])
    # Line 1 of a CSV is its header.
    raise CellsError(f"{source}: line {at + 2}, column {name}: {shown.iloc[at]!r}: {remedy}")
