"""Logistic regressions with Firth's penalty, several at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAX_ITERATIONS = 60
MAX_STEP = 5.0
"""Longest step of one coefficient, as in `firthmodels`: separated data start far from their fit."""
TOLERANCE = 1e-6


@dataclass(frozen=True)
class LogisticFits:
    """Regressions of one design each; the first axis counts the regressions."""

    coefficients: Floats
    """(fits, columns)."""
    bread: Floats
    """(fits, columns, columns): inverse of the information."""
    weights: Floats
    """(fits, cells): information a cell carries, trials * P * (1 - P)."""
    residuals: Floats
    """(fits, cells): successes less what the fit expects of them."""
    converged: NDArray[np.bool_]
    """(fits,)."""


def fit_logistic(design: Floats, successes: Floats, trials: Floats) -> LogisticFits:
    """Fits logit P = design @ coefficients by Fisher scoring with Firth's penalty.

    The penalty (Firth 1993) keeps estimates finite where a respondent switches as a step does.

    Args:
        design: (fits, cells, columns); an intercept is a column like any other.
        successes: (fits, cells), from 0 to the trials, not necessarily whole.
        trials: (fits, cells); a cell with 0 trials does not count.
    """
    num_fits, _, num_columns = design.shape
    coefficients = np.zeros((num_fits, num_columns))
    transposed = design.transpose(0, 2, 1)
    converged = np.zeros(num_fits, dtype=bool)
    for _ in range(MAX_ITERATIONS):
        chance = _chance(design, coefficients)
        weights = trials * chance * (1 - chance)
        bread = _bread(design, transposed, weights)
        leverage = weights * ((design @ bread) * design).sum(axis=2)
        score = successes - trials * chance + leverage * (0.5 - chance)
        step = (bread @ (transposed @ score[:, :, None]))[:, :, 0]
        size = np.abs(step).max(axis=1)
        coefficients = (
            coefficients + step * np.minimum(1.0, MAX_STEP / np.maximum(size, 1e-300))[:, None]
        )
        converged = size < TOLERANCE
        if converged.all():
            break
    chance = _chance(design, coefficients)
    weights = trials * chance * (1 - chance)
    return LogisticFits(
        coefficients=coefficients,
        bread=_bread(design, transposed, weights),
        weights=weights,
        residuals=successes - trials * chance,
        converged=converged,
    )


def _chance(design: Floats, coefficients: Floats) -> Floats:
    logit = np.clip((design @ coefficients[:, :, None])[:, :, 0], -500, 500)
    result: Floats = 1 / (1 + np.exp(-logit))
    return result


def _bread(design: Floats, transposed: Floats, weights: Floats) -> Floats:
    information = transposed @ (design * weights[:, :, None])
    # A ridge far below any information keeps a column without information invertible.
    return np.asarray(np.linalg.inv(information + 1e-9 * np.eye(design.shape[2])))
