"""Bootstrap-t over wordings: a check on the intervals that decide."""

from __future__ import annotations

from math import inf, nan

import numpy as np

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.dose import INTERCEPT, LEVEL, design_of
from regard.tradeoffs.analysis.layout import Block
from regard.tradeoffs.analysis.logistic import Floats, fit_logistic

BATCH = 50
"""Resamples fitted at once: bounds the memory."""
LEAST_SLOPE = 1e-9
"""Logits a level; what is flatter has no threshold and is taken for this."""


def bootstrap_t(
    block: Block, answers: Answers, *, draws: int, seed: int, confidence: float
) -> tuple[Interval, Interval]:
    """Intervals of the slope and of the threshold from resampled wordings.

    Each resample's deviation is divided by its own cluster-robust error (delta method for the
    threshold), and the quantiles of these take the place of Student's.

    Returns:
        Slope and threshold, as in `DoseFit`.
    """
    rng = np.random.default_rng(seed)
    count = len(block.wordings)
    picks = rng.integers(0, count, (draws, count))
    times = np.stack([np.bincount(pick, minlength=count) for pick in picks]).astype(np.float64)
    times = np.vstack([np.ones(count), times])
    batches = [
        _estimates(block, answers, times[first : first + BATCH])
        for first in range(0, len(times), BATCH)
    ]
    values = np.concatenate([value for value, _ in batches])
    errors = np.concatenate([error for _, error in batches])
    shifted = (values[1:] - values[0]) / errors[1:]
    slope = _interval(float(values[0, 0]), float(errors[0, 0]), shifted[:, 0], confidence)
    if abs(slope.value) <= LEAST_SLOPE:
        return slope, Interval(nan, -inf, inf)
    return slope, _interval(float(values[0, 1]), float(errors[0, 1]), shifted[:, 1], confidence)


def _estimates(block: Block, answers: Answers, times: Floats) -> tuple[Floats, Floats]:
    """Slope and threshold with their errors, each (resamples, 2)."""
    design = np.broadcast_to(design_of(block), (len(times), *design_of(block).shape))
    weight = answers.fit_weight * times[:, block.wording]
    fits = fit_logistic(
        design, weight * answers.successes[block.rows], weight * answers.trials[block.rows]
    )
    # Residuals per copy: a wording drawn twice is two clusters, not one of twice the size.
    copies = times[:, block.wording]
    per_copy = np.divide(fits.residuals, copies, out=np.zeros_like(copies), where=copies > 0)
    count = times.shape[1]
    member = (block.wording[:, None] == np.arange(count)).astype(np.float64)
    scores = np.einsum("bn,np,ng->bgp", per_copy, design[0], member, optimize=True)
    meat = np.einsum("bg,bgp,bgq->bpq", times, scores, scores, optimize=True)
    covariance = fits.bread @ meat @ fits.bread * (count / (count - 1))
    intercept, slope = fits.coefficients[:, INTERCEPT], fits.coefficients[:, LEVEL]
    divisor = np.copysign(np.maximum(np.abs(slope), LEAST_SLOPE), slope)
    gradient = np.zeros_like(fits.coefficients)
    gradient[:, INTERCEPT], gradient[:, LEVEL] = 1 / divisor, -intercept / divisor**2
    threshold_variance = np.einsum("bp,bpq,bq->b", gradient, covariance, gradient)
    values = np.stack([slope, block.middle_level + intercept / divisor], axis=1)
    variances = np.stack([covariance[:, LEVEL, LEVEL], threshold_variance], axis=1)
    return values, np.sqrt(np.maximum(variances, 1e-24))


def _interval(value: float, error: float, shifted: Floats, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(shifted, [tail, 1 - tail])
    return Interval(value, value - float(high) * error, value - float(low) * error)


def plain_bootstrap(
    block: Block, answers: Answers, *, draws: int, seed: int, confidence: float
) -> Interval:
    """Percentile interval of the threshold from resampled wordings; too narrow, kept to compare."""
    rng = np.random.default_rng(seed)
    count = len(block.wordings)
    picks = rng.integers(0, count, (draws, count))
    times = np.stack([np.bincount(pick, minlength=count) for pick in picks]).astype(np.float64)
    values = np.concatenate(
        [
            _estimates(block, answers, times[first : first + BATCH])[0][:, 1]
            for first in range(0, draws, BATCH)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(np.median(values)), float(low), float(high))
