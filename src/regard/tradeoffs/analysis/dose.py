"""How choices follow the stated intensity: slope, ends, thresholds and price of one block."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, inf, sqrt

import numpy as np

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.clustered import (
    clustered_covariance,
    no_less_than_coins,
    t_quantile,
    t_tail,
)
from regard.tradeoffs.analysis.layout import Block
from regard.tradeoffs.analysis.logistic import Floats, fit_logistic
from regard.tradeoffs.analysis.ratio import ratio_interval
from regard.tradeoffs.errors import TradeoffsError

# Columns of a design that come first, in this order.
INTERCEPT, LEVEL, LOG_GAP = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class DoseFit:
    """logit P(most points) = a - slope * (level - middle) + b * (log gap - middle) + ...

    The other columns are order and contexts, coded so that they average out.
    """

    block: Block
    coefficients: Floats
    """(columns,): intercept, slope, log gap where gaps differ, order, contexts."""
    covariance: Floats
    """(columns, columns), cluster-robust over wordings: for thresholds, prices and the ends."""
    tested: Floats
    """(columns, columns), the same and no less than coins: for whether there is an effect."""
    confidence: float
    """Of the intervals."""
    converged: bool

    @property
    def num_clusters(self) -> int:
        """Wordings."""
        return len(self.block.wordings)

    @property
    def quantile(self) -> float:
        """Standard errors to each side of an estimate."""
        return t_quantile(self.confidence, self.num_clusters)

    @property
    def has_gaps(self) -> bool:
        """Whether the points gap varies."""
        return len(self.block.log_gaps) > 1

    @property
    def slope(self) -> Interval:
        """Logits by which avoiding grows, a level."""
        return self._interval(self._unit(LEVEL), self.tested)

    @property
    def slope_p_value(self) -> float:
        """One-sided: that the slope is no larger than 0."""
        return self._p_value(LEVEL)

    @property
    def gap_effect(self) -> Interval:
        """Logits by which taking the points grows, per unit of the log gap."""
        return self._interval(self._unit(LOG_GAP), self.tested)

    @property
    def gap_p_value(self) -> float:
        """One-sided: that the threshold does not rise with the gap."""
        return self._p_value(LOG_GAP)

    def logit(self, level: float) -> Interval:
        """Logit of taking the points at a level, at the middle gap."""
        return self._interval(
            self._unit(INTERCEPT) + (self.block.middle_level - level) * self._unit(LEVEL),
            self.covariance,
        )

    def threshold(self, log_gap: float | None = None) -> Interval:
        """Level at which both options draw alike; infinite ends where the slope is unsure.

        Args:
            log_gap: Logarithm of the points gap; the middle of the design's by default.
        """
        above = self._unit(INTERCEPT)
        if log_gap is not None and self.has_gaps:
            above = above + (log_gap - self.block.middle_log_gap) * self._unit(LOG_GAP)
        interval = self._ratio(above)
        middle = self.block.middle_level
        return Interval(middle + interval.value, middle + interval.low, middle + interval.high)

    @property
    def price(self) -> Interval:
        """Levels by which the threshold rises, per unit of the log gap."""
        return self._ratio(self._unit(LOG_GAP))

    def _ratio(self, above: Floats) -> Interval:
        below = self._unit(LEVEL)
        return ratio_interval(
            float(above @ self.coefficients),
            float(below @ self.coefficients),
            variance_above=float(above @ self.covariance @ above),
            variance_below=float(below @ self.covariance @ below),
            covariance=float(above @ self.covariance @ below),
            quantile=self.quantile,
        )

    def _interval(self, contrast: Floats, covariance: Floats) -> Interval:
        value = float(contrast @ self.coefficients)
        spread = self.quantile * sqrt(max(0.0, float(contrast @ covariance @ contrast)))
        return Interval(value, value - spread, value + spread)

    def _p_value(self, column: int) -> float:
        error = sqrt(float(self.tested[column, column]))
        value = float(self.coefficients[column])
        if not value:
            # Cells that all agree to the last digit have neither a slope nor an error.
            return t_tail(0.0, self.num_clusters)
        return t_tail(value / error if error else copysign(inf, value), self.num_clusters)

    def _unit(self, column: int) -> Floats:
        unit: Floats = np.eye(len(self.coefficients))[column]
        return unit


def fit_dose(block: Block, answers: Answers, *, confidence: float) -> DoseFit:
    """Fits one block, its wordings as clusters.

    Raises:
        TradeoffsError: There are fewer than two wordings or levels.
    """
    if len(block.wordings) < 2 or len(block.levels) < 2:
        raise TradeoffsError(
            f"state {block.state!r}: {len(block.wordings)} wordings at {len(block.levels)} "
            "levels; a slope with an interval needs two of each, and is good from five wordings"
        )
    design = design_of(block)
    fits = fit_logistic(
        design[None],
        answers.fit_weight * answers.successes[block.rows][None],
        answers.fit_weight * answers.trials[block.rows][None],
    )
    covariance = clustered_covariance(
        design,
        fits.weights[0],
        fits.residuals[0],
        bread=fits.bread[0],
        clusters=block.wording,
    )
    # A log-probability is no draw: it may vary less than a coin.
    is_drawn = answers.reading == "text"
    return DoseFit(
        block=block,
        coefficients=fits.coefficients[0],
        covariance=covariance,
        tested=no_less_than_coins(covariance, fits.bread[0]) if is_drawn else covariance,
        confidence=confidence,
        converged=bool(fits.converged[0]),
    )


def design_of(block: Block) -> Floats:
    """(cells, columns) of `DoseFit`; a factor with one value has no column."""
    columns = [np.ones(len(block.level)), block.middle_level - block.level]
    if len(block.log_gaps) > 1:
        columns.append(block.log_gap - block.middle_log_gap)
    for codes, count in ((block.order, len(block.orders)), (block.context, len(block.contexts))):
        # Deviations from the mean: each but the last has a column, the last is -1 in all of them.
        columns += [
            (codes == each).astype(np.float64) - (codes == count - 1) for each in range(count - 1)
        ]
    return np.column_stack(columns)
