import numpy as np
import pytest

from benchmarks.tradeoffs.data_sets import DataSets
from regard.tradeoffs.analysis.bound import UNDETERMINED, Bound, threshold_bound
from regard.tradeoffs.analysis.dose import DoseFit, fit_dose


def _dose(*, slope: float, threshold: float) -> DoseFit:
    sets = DataSets(num_wordings=10, runs=10, slope=slope, threshold=threshold, threshold_sd=0.3)
    block = sets.block()
    return fit_dose(block, sets.draw(block, np.random.default_rng(2)), confidence=0.95)


def test_a_threshold_inside_the_levels_is_a_number() -> None:
    found = threshold_bound(_dose(slope=1.0, threshold=5.0))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 5.0 < found.high
    assert str(found).endswith("]")


def test_a_threshold_far_above_the_levels_is_a_bound_and_no_number() -> None:
    found = threshold_bound(_dose(slope=0.4, threshold=14.0))
    assert found == Bound(None, 10.0, None)
    assert str(found) == "above 10.00"


def test_a_threshold_below_the_levels_is_an_upper_bound() -> None:
    found = threshold_bound(_dose(slope=0.4, threshold=-4.0))
    assert found == Bound(None, None, 0.0)


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_without_a_dose_response_there_is_no_threshold(slope: float) -> None:
    assert threshold_bound(_dose(slope=slope, threshold=5.0)) == UNDETERMINED
