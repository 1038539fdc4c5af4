"""Firth's logistic regression of one curve, by `firthmodels`, with profile-likelihood intervals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.curve import Cube
from regard.tradeoffs.analysis.logistic import Floats

MAX_ITERATIONS = 200


@dataclass(frozen=True)
class CurveFit:
    """logit P(most points) = intercept - slope * level, answers taken as independent."""

    intercept: float
    slope: Interval
    """Logits of avoiding, a level. It knows nothing of wordings: the dose fit does."""
    p_value: float
    """Penalised likelihood ratio, two-sided."""

    def share(self, level: Floats) -> Floats:
        """P(most points) at these levels."""
        logit = np.clip(self.intercept - self.slope.value * level, -500, 500)
        result: Floats = 1 / (1 + np.exp(-logit))
        return result


def fit_curve(
    level: Floats,
    successes: Floats,
    trials: Floats,
    *,
    beside: Floats | None = None,
    confidence: float,
) -> CurveFit:
    """Fits one curve.

    Args:
        level: (points,).
        successes: (points,): choices of the most points.
        trials: (points,).
        beside: (points,): what else the logit follows, its middle at 0; nothing by default.
        confidence: Of the slope's interval.
    """
    # Importing it loads scikit-learn.
    from firthmodels import FirthLogisticRegression

    columns = [-level] if beside is None else [-level, beside]
    columns = _told_apart(columns, trials > 0)
    if not columns:
        return _flat(successes, trials)
    features = np.column_stack([np.concatenate([column, column]) for column in columns])
    outcomes = np.repeat([1, 0], len(level))
    weights = np.concatenate([successes, trials - successes])
    used = weights > 0
    if len(np.unique(outcomes[used])) < 2:
        # All answers alike: the penalised fit is flat, and no likelihood has a profile.
        return _flat(successes, trials)
    model = FirthLogisticRegression(backend="numpy", max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        # A profile that does not close leaves NaN, which the caller sees.
        warnings.simplefilter("ignore")
        model.fit(features[used], outcomes[used], sample_weight=weights[used])
        model.lrt(0)
        low, high = model.conf_int(1 - confidence, method="pl", features=0, max_iter=100)[0]
    return CurveFit(
        float(model.intercept_),
        Interval(float(model.coef_[0]), float(low), float(high)),
        float(model.lrt_pvalues_[0]),
    )


def _told_apart(columns: Sequence[Floats], answered: NDArray[np.bool_]) -> list[Floats]:
    """The first columns that the points with answers tell from a constant and from one another."""
    found: list[Floats] = []
    for column in columns:
        design = np.column_stack([np.ones(len(column)), *found, column])[answered]
        if np.linalg.matrix_rank(design) < design.shape[1]:
            break
        found.append(column)
    return found


def _flat(successes: Floats, trials: Floats) -> CurveFit:
    share = (successes.sum() + 0.5) / (trials.sum() + 1)
    return CurveFit(float(np.log(share / (1 - share))), Interval(0.0, -np.inf, np.inf), 1.0)


def curve_of(cube: Cube, *, gap: int | None = None, confidence: float) -> CurveFit:
    """The curve of a block, at one gap (an index) or over all of them."""
    chosen = slice(None) if gap is None else slice(gap, gap + 1)
    return fit_curve(
        cube.block.levels,
        cube.successes[:, chosen].sum(axis=(0, 1)),
        cube.trials[:, chosen].sum(axis=(0, 1)),
        confidence=confidence,
    )


def wording_curves(cube: Cube, *, confidence: float) -> dict[str, CurveFit]:
    """One curve a wording, at the middle points gap."""
    block = cube.block
    level = np.tile(block.levels, len(block.log_gaps))
    gap = np.repeat(block.log_gaps - block.middle_log_gap, len(block.levels))
    return {
        name: fit_curve(
            level,
            cube.successes[index].ravel(),
            cube.trials[index].ravel(),
            beside=gap,
            confidence=confidence,
        )
        for index, name in enumerate(cube.block.wordings)
    }
