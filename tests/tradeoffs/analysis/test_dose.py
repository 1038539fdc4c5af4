import numpy as np
import pytest

from benchmarks.tradeoffs.data_sets import DataSets
from regard.tradeoffs.analysis.dose import design_of, fit_dose
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.design import SHORT, DesignConfig
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import key_frame
from tests.tradeoffs.analysis.conftest import Drawn
from tests.tradeoffs.tables import layout_of, played


def test_slope_and_threshold_are_those_of_the_respondent(graded: Drawn) -> None:
    dose = fit_dose(*graded, confidence=0.95)
    assert dose.converged
    assert dose.slope.low < 1.0 < dose.slope.high + 0.35
    assert dose.threshold().low < 5.0 < dose.threshold().high


def test_the_threshold_lies_where_the_logit_is_nought(graded: Drawn) -> None:
    dose = fit_dose(*graded, confidence=0.95)
    found = dose.threshold()
    assert dose.logit(found.value).value == pytest.approx(0, abs=1e-9)
    # Fieller's ends are where the band of the logit touches nought.
    assert dose.logit(found.low).low == pytest.approx(0, abs=1e-6)
    assert dose.logit(found.high).high == pytest.approx(0, abs=1e-6)


def test_the_price_is_found_with_all_factors_in_the_design() -> None:
    table = played(slope=1.5, threshold=3.0, price=0.7, goal=20.0, wording_sd=0.3)
    layout, answers = layout_of(table)
    dose = fit_dose(layout.block("pain"), answers, confidence=0.95)
    assert dose.price.low < 0.7 < dose.price.high
    assert dose.price.high - dose.price.low < 0.3
    middle = np.log([1, 7, 50]).mean()
    assert dose.threshold().value == pytest.approx(3 + 0.7 * middle, abs=0.5)
    gap = dose.threshold(np.log(50)).value - dose.threshold(0.0).value
    assert gap == pytest.approx(dose.price.value * np.log(50))


def test_a_factor_with_one_value_has_no_column() -> None:
    full = Layout(key_frame(SHORT)).block("pain")
    # Two gaps and two orders, one context.
    assert design_of(full).shape[1] == 4
    assert design_of(full.part(full.order == 0)).shape[1] == 3


def test_one_wording_gives_no_interval() -> None:
    sets = DataSets(num_wordings=1, runs=50, slope=1.0)
    block = sets.block()
    answers = sets.draw(block, np.random.default_rng(0))
    with pytest.raises(TradeoffsError, match="1 wordings at 11 levels"):
        fit_dose(block, answers, confidence=0.95)


def test_a_handful_of_slips_at_the_top_is_no_dose_response() -> None:
    sets = DataSets(num_wordings=12, runs=50, slope=0.0)
    block = sets.block()
    answers = sets.draw(block, np.random.default_rng(0))
    answers.successes[:] = answers.trials
    # Three wordings slip once each at high levels: alike enough for a tiny clustered error.
    answers.successes[np.isin(block.wording, [0, 1, 2]) & (block.level == 9)] -= 1
    dose = fit_dose(block, answers, confidence=0.95)
    clustered = dose.covariance[1, 1]
    assert dose.slope.value - dose.quantile * np.sqrt(clustered) > 0
    assert dose.slope.low < 0


def test_wordings_that_differ_widen_the_interval() -> None:
    widths = []
    for spread in (0.0, 2.0):
        sets = DataSets(num_wordings=10, runs=5, slope=1.0, threshold_sd=spread)
        block = sets.block()
        answers = sets.draw(block, np.random.default_rng(5))
        found = fit_dose(block, answers, confidence=0.95).threshold()
        widths.append(found.high - found.low)
    assert widths[1] > 2 * widths[0]


def test_a_flat_curve_of_log_probabilities_is_not_tilted_by_the_penalty() -> None:
    design = DesignConfig(intensities=(0, 4, 10), side_blocks=())
    table = played(design=design, readings=("logprob",), weight_pain=0.0, cell_noise=0.1)
    layout, answers = layout_of(table, "logprob")
    dose = fit_dose(layout.block("pain"), answers, confidence=0.95)
    assert abs(dose.slope.value) < 0.01
    assert dose.slope.low < 0 < dose.slope.high


def test_cells_that_all_say_one_half_have_a_slope_of_nought(coin: Drawn) -> None:
    dose = fit_dose(*coin, confidence=0.95)
    assert dose.slope.value == pytest.approx(0, abs=1e-9)
    assert dose.slope_p_value == pytest.approx(0.5)
    assert dose.threshold().high == np.inf
