import numpy as np
import pytest

from regard.tradeoffs.analysis.curve import cube_of
from regard.tradeoffs.analysis.firth import curve_of, fit_curve, wording_curves
from tests.tradeoffs.analysis.conftest import Drawn
from tests.tradeoffs.tables import layout_of, played


def test_a_curve_follows_its_points(graded: Drawn) -> None:
    cube = cube_of(*graded)
    found = curve_of(cube, confidence=0.95)
    shares = cube.successes.sum(axis=(0, 1)) / cube.trials.sum(axis=(0, 1))
    assert found.share(cube.block.levels) == pytest.approx(shares, abs=0.1)
    assert found.p_value < 1e-6
    assert found.slope.low < found.slope.value < found.slope.high


def test_a_step_has_a_finite_slope(step: Drawn) -> None:
    found = curve_of(cube_of(*step), confidence=0.95)
    assert 1 < found.slope.value < 50
    assert found.slope.low > 0


def test_answers_that_are_all_alike_give_a_flat_curve() -> None:
    trials = np.full(6, 10.0)
    found = fit_curve(np.arange(6.0), trials, trials, confidence=0.95)
    assert found.slope.value == 0
    assert found.share(np.array([0.0, 5.0])) == pytest.approx([0.99, 0.99], abs=0.01)


def test_answers_at_one_level_alone_give_a_flat_curve() -> None:
    trials = np.array([0.0, 8.0, 0.0])
    found = fit_curve(np.arange(3.0), trials / 4, trials, confidence=0.95)
    assert found.slope.value == 0
    assert not np.isfinite(found.slope.low)
    assert found.share(np.array([1.0])) == pytest.approx(2.5 / 9)


def test_a_gap_that_the_answered_points_do_not_tell_from_the_level_is_left_out() -> None:
    level, gap = np.array([0.0, 0.0, 4.0, 4.0]), np.array([-1.0, 1.0, -1.0, 1.0])
    trials = np.array([6.0, 0.0, 0.0, 6.0])
    successes = np.array([4.0, 0.0, 0.0, 2.0])
    found = fit_curve(level, successes, trials, beside=gap, confidence=0.95)
    alone = fit_curve(level, successes, trials, confidence=0.95)
    assert found == alone
    assert found.slope.value > 0


def test_gaps_that_move_the_threshold_do_not_flatten_a_wordings_slope() -> None:
    layout, answers = layout_of(played(slope=1.5, threshold=2.5, price=0.9, goal=20.0))
    cube = cube_of(layout.block("pain"), answers)
    slopes = [each.slope.value for each in wording_curves(cube, confidence=0.95).values()]
    assert np.mean(slopes) == pytest.approx(1.5, abs=0.2)
    assert curve_of(cube, confidence=0.95).slope.value < 1.0


def test_every_wording_has_its_curve(graded: Drawn) -> None:
    found = wording_curves(cube_of(*graded), confidence=0.95)
    assert tuple(found) == graded[0].wordings
    assert min(each.slope.value for each in found.values()) > 0.3


# Answers of 50 that gave up points at levels 0 to 10, and the threshold with its 95 % interval that
# psignifit 4.3 finds in them (logistic, yes/no, lapses and guesses free). It is GPL: its numbers
# are kept, it is not depended on.
PSIGNIFIT = {
    "middle": ((0, 3, 1, 10, 12, 24, 34, 45, 48, 50, 49), 4.982, (4.585, 5.393)),
    "shallow": ((4, 8, 16, 14, 26, 29, 39, 45, 45, 46, 48), 4.004, (3.426, 4.722)),
    "lapses": ((0, 1, 3, 3, 3, 12, 25, 41, 43, 49, 49), 6.012, (5.569, 6.277)),
}


@pytest.mark.parametrize("name", PSIGNIFIT)
def test_the_threshold_of_a_curve_is_that_of_psignifit(name: str) -> None:
    avoided, threshold, interval = PSIGNIFIT[name]
    trials = np.full(11, 50.0)
    found = fit_curve(np.arange(11.0), trials - np.array(avoided), trials, confidence=0.95)
    own = found.intercept / found.slope.value
    assert own == pytest.approx(threshold, abs=0.15)
    assert interval[0] < own < interval[1]
