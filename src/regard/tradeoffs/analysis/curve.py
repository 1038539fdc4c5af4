"""Shares of choices by wording, gap and level, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from regard.common.statistics import Interval, wilson_interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.clustered import t_quantile
from regard.tradeoffs.analysis.layout import Block
from regard.tradeoffs.analysis.logistic import Floats


@dataclass(frozen=True)
class Cube:
    """Choices of the most points: axes wording, gap, level."""

    block: Block
    successes: Floats
    trials: Floats

    def shares(self) -> Floats:
        """P(most points) of each entry, NaN where nothing was asked."""
        with np.errstate(invalid="ignore"):
            result: Floats = self.successes / self.trials
        return result

    def times(self, weight: float) -> Cube:
        """The same with every answer counted so often."""
        return Cube(self.block, weight * self.successes, weight * self.trials)


def cube_of(block: Block, answers: Answers) -> Cube:
    """Sums a block over orders and contexts."""
    gap = np.searchsorted(block.log_gaps, block.log_gap)
    level = np.searchsorted(block.levels, block.level)
    shape = (len(block.wordings), len(block.log_gaps), len(block.levels))
    place = np.ravel_multi_index((block.wording, gap, level), shape)
    size = int(np.prod(shape))
    return Cube(
        block,
        np.bincount(place, answers.successes[block.rows], size).reshape(shape).astype(np.float64),
        np.bincount(place, answers.trials[block.rows], size).reshape(shape).astype(np.float64),
    )


def mean_interval(values: Floats, *, confidence: float) -> Interval:
    """Mean of one value a wording with Student's interval; NaN values do not count."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return Interval(float("nan"), -np.inf, np.inf)
    centre = float(known.mean())
    spread = t_quantile(confidence, len(known)) * float(known.std(ddof=1)) / sqrt(len(known))
    return Interval(centre, centre - spread, centre + spread)


def level_share(cube: Cube, level: int, *, confidence: float) -> Interval:
    """P(most points) at one level (an index), over wordings as clusters."""
    totals = cube.trials[:, :, level].sum(axis=1)
    with np.errstate(invalid="ignore"):
        shares = cube.successes[:, :, level].sum(axis=1) / totals
    return mean_interval(shares, confidence=confidence)


@dataclass(frozen=True)
class Band:
    """One point of a curve."""

    level: float
    share: Interval
    """P(most points) with Wilson's interval, which knows nothing of wordings."""
    clustered: Interval
    """The same with Student's interval over wordings."""


def bands_of(cube: Cube, gaps: NDArray[np.bool_] | None = None, *, confidence: float) -> list[Band]:
    """The curve level by level.

    Args:
        cube: The choices.
        gaps: Which gaps count, (gaps,); all by default.
        confidence: Of the clustered intervals.
    """
    chosen = np.ones(cube.trials.shape[1], dtype=bool) if gaps is None else gaps
    part = Cube(cube.block, cube.successes[:, chosen], cube.trials[:, chosen])
    bands = []
    for index, level in enumerate(cube.block.levels):
        trials = part.trials[:, :, index].sum()
        if trials:
            successes = part.successes[:, :, index].sum()
            wilson = wilson_interval(round(successes), max(1, round(trials)))
            clustered = level_share(part, index, confidence=confidence)
            share = Interval(successes / trials, wilson.low, wilson.high)
            bands.append(Band(float(level), share, clustered))
    return bands
