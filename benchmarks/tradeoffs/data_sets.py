"""Data sets with known thresholds and slopes: one gap, one order, one context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.layout import Block, Layout
from regard.tradeoffs.analysis.logistic import Floats
from regard.tradeoffs.cells import KEYS

LEVELS = tuple(float(level) for level in range(11))


@dataclass(frozen=True, kw_only=True)
class DataSets:
    """Answers of one respondent a data set, all levels of one state."""

    num_wordings: int
    """Paraphrases."""
    runs: int
    """Answers a cell."""
    slope: float
    """Mean slope, logits of avoiding a level."""
    slope_sd: float = 0.0
    """Standard deviation of the slope between wordings."""
    threshold: float = 5.0
    """Mean threshold, a level."""
    threshold_sd: float = 0.0
    """Standard deviation of the threshold between wordings."""
    dispersion: float = 0.0
    """Intra-cell correlation of beta-distributed shares: 0 is the binomial."""

    @property
    def calls(self) -> int:
        """Answers in one data set."""
        return self.num_wordings * self.runs * len(LEVELS)

    def block(self) -> Block:
        """The cells."""
        rows = [
            ("pain", "numeric", level, 1.0, "max-first", "K/R", f"w{wording:03d}", "bare", "model")
            for wording in range(self.num_wordings)
            for level in LEVELS
        ]
        keys = pd.DataFrame([(*row, "best-after") for row in rows], columns=list(KEYS))
        return Layout(keys).block("pain")

    def draw(self, block: Block, rng: np.random.Generator) -> Answers:
        """Answers of one respondent."""
        slope = self.slope + self.slope_sd * rng.standard_normal(self.num_wordings)
        threshold = self.threshold + self.threshold_sd * rng.standard_normal(self.num_wordings)
        logit = slope[block.wording] * (threshold[block.wording] - block.level)
        share = 1 / (1 + np.exp(-np.clip(logit, -500, 500)))
        if self.dispersion:
            size = 1 / self.dispersion - 1
            share = rng.beta(np.maximum(share * size, 1e-6), np.maximum((1 - share) * size, 1e-6))
        trials = np.full(len(share), float(self.runs))
        return answers_from(rng.binomial(self.runs, share).astype(float), trials)


def answers_from(successes: Floats, trials: Floats) -> Answers:
    """Text answers that all name an option."""
    nothing = np.zeros(len(trials))
    return Answers(
        reading="text",
        asked=trials,
        trials=trials,
        successes=successes,
        refused=nothing,
        unparsed=nothing,
        dominated=nothing,
        label_mass=np.full(len(trials), np.nan),
    )
