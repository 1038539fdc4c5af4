import math

import numpy as np
import pytest

from regard.common.statistics import (
    bootstrap_interval,
    median_with_percentiles,
    percentiles,
    wilson_interval,
)


def test_wilson_agrees_with_a_published_value() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263.
    interval = wilson_interval(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 50), (50, 50), (7, 9)])
def test_wilson_stays_inside_zero_to_one_and_around_the_share(successes: int, trials: int) -> None:
    interval = wilson_interval(successes, trials)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_refuses_impossible_counts(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="trials"):
        wilson_interval(successes, trials)


def test_the_bootstrap_repeats_for_a_seed_and_differs_between_seeds() -> None:
    values = [value**1.5 for value in range(30)]
    first = bootstrap_interval(values, seed=1)
    assert first == bootstrap_interval(values, seed=1)
    assert first != bootstrap_interval(values, seed=2)


def test_the_bootstrap_of_a_mean_approaches_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_interval(values.tolist(), seed=0)
    half_width = 1.96 * values.std(ddof=1) / math.sqrt(values.size)
    assert interval.high - interval.low == pytest.approx(2 * half_width, rel=0.1)


def test_the_bootstrap_takes_any_statistic() -> None:
    interval = bootstrap_interval([1.0, 2.0, 9.0], seed=0, statistic=lambda s: float(np.median(s)))
    assert interval.value == 2.0


def test_the_median_comes_with_its_percentiles() -> None:
    interval = median_with_percentiles([float(value) for value in range(11)])
    assert (interval.low, interval.value, interval.high) == (2.0, 5.0, 8.0)
    assert percentiles([1.0, 2.0, 3.0], [0, 50, 100]) == {0: 1.0, 50: 2.0, 100: 3.0}


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.inf]])
def test_missing_and_infinite_values_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="values"):
        median_with_percentiles(values)
