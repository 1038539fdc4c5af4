"""Intervals of a ratio of two estimates: thresholds and prices."""

from __future__ import annotations

from math import inf, nan, sqrt

from regard.common.statistics import Interval


def ratio_interval(
    above: float,
    below: float,
    *,
    variance_above: float,
    variance_below: float,
    covariance: float,
    quantile: float,
) -> Interval:
    """Fieller's interval of above / below.

    All ratios r for which above - r * below is within `quantile` standard errors of 0. Where
    `below` itself is within them of 0 no finite interval exists: the ends are infinite.
    """
    value = above / below if below else nan
    square = quantile**2
    # r^2 * a - 2 * r * b + c <= 0
    a = below**2 - square * variance_below
    b = above * below - square * covariance
    c = above**2 - square * variance_above
    inside = b**2 - a * c
    if a <= 0 or inside < 0:
        return Interval(value, -inf, inf)
    spread = sqrt(inside)
    return Interval(value, (b - spread) / a, (b + spread) / a)
