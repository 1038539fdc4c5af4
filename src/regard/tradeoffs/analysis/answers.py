"""One reading of a table of cells as successes and trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.analysis.logistic import Floats

Reading = Literal["text", "logprob"]
LOGPROB_WEIGHT = 100.0
"""Answers that one log-probability counts for in a fit. At 1 Firth's penalty outweighs the data and
tilts a flat curve alike in every wording, which an interval over wordings takes for an effect."""
READINGS: tuple[Reading, ...] = ("text", "logprob")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What came back in each row of a table; arrays of shape (rows,)."""

    reading: Reading
    """Where the successes come from."""
    asked: Floats
    """Text answers, or 1 where log-probabilities were read."""
    trials: Floats
    """Choices: answers less the refused and the unparsed."""
    successes: Floats
    """Choices of the option with the most points; right answers in questions."""
    refused: Floats
    """Answers that declined; 0 in log-probabilities, which cannot decline."""
    unparsed: Floats
    """Answers that name no option; 0 in log-probabilities."""
    dominated: Floats
    """Choices of an option that is worse in every respect, where three are offered."""
    label_mass: Floats
    """NaN in text."""

    @property
    def fit_weight(self) -> float:
        """What trials and successes are multiplied by in a fit; its intervals are over wordings."""
        return LOGPROB_WEIGHT if self.reading == "logprob" else 1.0


def answers_of(frame: pd.DataFrame, reading: Reading) -> Answers:
    """Reads the counts or the probabilities of a table that `check_cells` has passed."""
    if reading == "logprob":
        chance = _column(frame, "p_max")
        read = np.isfinite(chance)
        trials, nothing = read.astype(np.float64), np.zeros(len(frame))
        return Answers(
            reading=reading,
            asked=trials,
            trials=trials,
            successes=np.where(read, chance, 0.0),
            refused=nothing,
            unparsed=nothing,
            dominated=nothing,
            label_mass=_column(frame, "label_mass"),
        )
    asked, refused = _column(frame, "n"), _column(frame, "n_refused")
    unparsed = _column(frame, "n_unparsed")
    return Answers(
        reading=reading,
        asked=asked,
        trials=asked - refused - unparsed,
        successes=_column(frame, "n_max"),
        refused=refused,
        unparsed=unparsed,
        dominated=_column(frame, "n_dominated"),
        label_mass=np.full(len(frame), np.nan),
    )


def readings_of(frame: pd.DataFrame) -> tuple[Reading, ...]:
    """Which readings a table holds."""
    held = {"text": bool((frame["n"] > 0).any()), "logprob": bool(frame["p_max"].notna().any())}
    return tuple(each for each in READINGS if held[each])


def _column(frame: pd.DataFrame, name: str) -> Floats:
    values: np.ndarray[Any, np.dtype[np.float64]] = frame[name].to_numpy(dtype=np.float64)
    return values
