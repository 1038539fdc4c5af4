from math import inf, isnan

import pytest

from regard.tradeoffs.analysis.bootstrap import bootstrap_t, plain_bootstrap
from regard.tradeoffs.analysis.dose import fit_dose
from tests.tradeoffs.analysis.conftest import Drawn


def test_the_check_agrees_with_the_intervals_that_decide(graded: Drawn) -> None:
    dose = fit_dose(*graded, confidence=0.95)
    slope, threshold = bootstrap_t(*graded, draws=299, seed=1, confidence=0.95)
    assert threshold.value == pytest.approx(dose.threshold().value, abs=1e-4)
    width = dose.threshold().high - dose.threshold().low
    assert threshold.high - threshold.low == pytest.approx(width, rel=0.4)
    assert slope.value == pytest.approx(dose.slope.value, abs=1e-4)
    assert slope.low > 0


def test_the_plain_bootstrap_is_narrower(graded: Drawn) -> None:
    decided = fit_dose(*graded, confidence=0.95).threshold()
    plain = plain_bootstrap(*graded, draws=299, seed=1, confidence=0.95)
    assert plain.high - plain.low < decided.high - decided.low


def test_a_seed_gives_the_same_interval(graded: Drawn) -> None:
    one, two, other = (
        bootstrap_t(*graded, draws=60, seed=seed, confidence=0.95) for seed in (1, 1, 2)
    )
    assert one == two
    assert one != other


def test_cells_that_all_say_one_half_have_no_slope_and_no_threshold(coin: Drawn) -> None:
    slope, threshold = bootstrap_t(*coin, draws=60, seed=1, confidence=0.95)
    assert slope.low <= 0.0 <= slope.high
    assert slope.value == pytest.approx(0, abs=1e-9)
    assert isnan(threshold.value)
    assert (threshold.low, threshold.high) == (-inf, inf)
