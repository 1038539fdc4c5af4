"""Intervals and summaries for the figures in result rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Z_95 = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution: two-sided 95 %."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds around it."""

    value: float
    """The estimate itself, in the unit of the data."""

    low: float
    """The lower bound."""

    high: float
    """The upper bound."""


def wilson_interval(num_successes: int, num_trials: int, *, z: float = Z_95) -> Interval:
    """Wilson's score interval of a proportion, which stays inside 0 to 1 at the edges.

    Args:
        num_successes: Trials that succeeded.
        num_trials: All trials, at least one.
        z: Normal quantile of the wanted coverage.

    Raises:
        ValueError: There is no trial, or the successes are not between 0 and the trials.
    """
    if num_trials < 1 or not 0 <= num_successes <= num_trials:
        raise ValueError(
            f"{num_successes} successes of {num_trials} trials: "
            "give at least one trial and between 0 and all of them as successes"
        )
    share = num_successes / num_trials
    denominator = 1 + z**2 / num_trials
    centre = (share + z**2 / (2 * num_trials)) / denominator
    spread = math.sqrt(share * (1 - share) / num_trials + z**2 / (4 * num_trials**2))
    half_width = z * spread / denominator
    # Rounding may leave 1e-17 where the bound is exactly 0 or 1.
    low = 0.0 if num_successes == 0 else centre - half_width
    high = 1.0 if num_successes == num_trials else centre + half_width
    return Interval(share, low, high)


def bootstrap_interval(
    values: Sequence[float],
    *,
    seed: int,
    statistic: Callable[[np.ndarray], float] = lambda sample: float(np.mean(sample)),
    num_resamples: int = 2000,
    coverage: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of any statistic.

    Args:
        values: The observations, at least one, independent of each other.
        seed: Seed of the resampling; the same seed gives the same interval.
        statistic: Maps a sample to one number; the mean by default.
        num_resamples: Resamples drawn.
        coverage: Share of the resampled statistics inside the interval.
    """
    sample = _checked(values)
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, sample.size, size=(num_resamples, sample.size))
    resampled = np.array([statistic(sample[pick]) for pick in picks])
    tail = (1 - coverage) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(statistic(sample)), float(low), float(high))


def median_with_percentiles(
    values: Sequence[float], *, low_percentile: float = 20, high_percentile: float = 80
) -> Interval:
    """The median with a lower and an upper percentile: the spread of repeated timings."""
    sample = _checked(values)
    low, median, high = np.percentile(sample, [low_percentile, 50, high_percentile])
    return Interval(float(median), float(low), float(high))


def percentiles(values: Sequence[float], wanted: Sequence[float]) -> dict[float, float]:
    """The wanted percentiles (0 to 100) of the values, linearly interpolated."""
    sample = _checked(values)
    return {percent: float(np.percentile(sample, percent)) for percent in wanted}


def _checked(values: Sequence[float]) -> np.ndarray:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ValueError(f"got values of shape {sample.shape}: give a list of at least one number")
    if not np.isfinite(sample).all():
        raise ValueError("the values contain NaN or infinity: count those apart, leave them out")
    return sample
