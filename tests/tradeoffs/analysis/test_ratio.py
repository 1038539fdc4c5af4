from math import inf

import numpy as np
import pytest

from regard.tradeoffs.analysis.ratio import ratio_interval


def test_each_end_is_a_ratio_just_inside_the_errors() -> None:
    quantile = 2.2
    found = ratio_interval(
        5.0, 1.2, variance_above=0.4, variance_below=0.03, covariance=0.05, quantile=quantile
    )
    for ratio in (found.low, found.high):
        variance = 0.4 - 2 * ratio * 0.05 + ratio**2 * 0.03
        assert abs(5.0 - ratio * 1.2) == pytest.approx(quantile * np.sqrt(variance))
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(5 / 1.2)


def test_a_divisor_within_its_errors_of_nought_gives_no_finite_interval() -> None:
    found = ratio_interval(
        5.0, 0.1, variance_above=0.4, variance_below=0.03, covariance=0.0, quantile=2.0
    )
    assert (found.low, found.high) == (-inf, inf)


def test_a_negative_divisor_keeps_the_ends_in_order() -> None:
    found = ratio_interval(
        5.0, -1.2, variance_above=0.1, variance_below=0.01, covariance=0.0, quantile=2.0
    )
    assert found.low < found.value < found.high < 0
