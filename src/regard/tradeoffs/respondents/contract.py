"""What every simulated player offers, and how its answers become a table of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.cells import COLUMNS, KEYS
from regard.tradeoffs.design import Cell, DesignConfig, design_cells
from regard.tradeoffs.errors import TradeoffsError

Array = np.ndarray[Any, np.dtype[np.float64]]
Parameters = Mapping[str, float | str | bool]


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What one respondent does in each cell: probabilities, each of shape (cells,)."""

    max_text: Array
    """That an answer which chooses takes the option with the most points. In the questions of
    the gates (`states.QUESTIONS`): that it is right."""

    refused: Array
    """That an answer declines to choose."""

    unparsed: Array
    """That an answer names no option; with `refused` at most 1."""

    max_logprob: Array
    """`max_text` as the log-probabilities of the labels show it."""

    label_mass: Array
    """That the first token is a label."""

    dominated: Array
    """That an answer which chooses takes what is worse in every respect (three options only);
    with `max_text` at most 1."""


class Respondent(Protocol):
    """A player with known truth."""

    def outcomes(self, cells: pd.DataFrame, rng: np.random.Generator) -> Outcomes:
        """What it does in these cells.

        Args:
            cells: The columns `cells.KEYS`, one row a cell.
            rng: Draws what is particular to this respondent: its thresholds by wording and
                context, its deviation in each cell. Each call is another respondent of the same
                parameters, so all cells of a table are asked in one call.
        """
        ...


class Player(Protocol):
    """Makes a respondent of the parameters that `Kind.draw` gives; refuses names it lacks."""

    def __call__(self, parameters: Parameters) -> Respondent:
        """Builds the respondent."""
        ...


def simulate(
    respondent: Respondent,
    cells: pd.DataFrame,
    rng: np.random.Generator,
    *,
    answers: int,
    readings: Sequence[str],
) -> pd.DataFrame:
    """Asks a respondent all cells and returns the table that a log would give.

    Args:
        respondent: The player.
        cells: The columns `cells.KEYS`, one row a cell (`key_frame` of a design).
        rng: Draws the respondent's particulars, then its answers.
        answers: Text answers a cell; unused without the reading `text`.
        readings: `text`, `logprob` or both.
    """
    outcomes = respondent.outcomes(cells, rng)
    table = cells[list(KEYS)].copy()
    asked = answers if "text" in readings else 0
    counts = rng.multinomial(asked, _shares(outcomes))
    table["n"] = asked
    table["n_max"] = counts[:, 0]
    table["n_refused"] = counts[:, 1]
    table["n_unparsed"] = counts[:, 2]
    table["n_dominated"] = counts[:, 3]
    with_logprob = "logprob" in readings
    table["p_max"] = outcomes.max_logprob if with_logprob else np.nan
    table["label_mass"] = outcomes.label_mass if with_logprob else np.nan
    return table[list(COLUMNS)]


def key_frame(config: DesignConfig) -> pd.DataFrame:
    """The cells of a design as the key columns of a table, one row a cell."""
    return cells_frame(design_cells(config))


def cells_frame(cells: Sequence[Cell]) -> pd.DataFrame:
    """Cells as the key columns of a table, one row each."""
    return pd.DataFrame({name: [getattr(cell, name) for cell in cells] for name in KEYS})


def check_parameters(given: Parameters, known: Sequence[str], player: str) -> None:
    """Refuses parameters that a player lacks.

    Raises:
        TradeoffsError: With the name.
    """
    if unknown := [name for name in given if name not in known]:
        raise TradeoffsError(
            f"{player}: no parameter {unknown[0]!r}; there are: {', '.join(known)}"
        )


def _shares(outcomes: Outcomes) -> Array:
    """Shares of max, refused, unparsed, dominated and the other option: (cells, 5)."""
    chosen = np.clip(1.0 - outcomes.refused - outcomes.unparsed, 0.0, 1.0)
    best = chosen * outcomes.max_text
    worst = chosen * outcomes.dominated
    other = np.clip(1.0 - best - outcomes.refused - outcomes.unparsed - worst, 0.0, 1.0)
    return np.column_stack([best, outcomes.refused, outcomes.unparsed, worst, other])
