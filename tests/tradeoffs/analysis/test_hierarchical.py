import importlib.util
import sys
from math import log

import numpy as np
import pytest

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.hierarchical import fit_pooled
from regard.tradeoffs.errors import TradeoffsError
from tests.tradeoffs.tables import MAIN, layout_of, played

needs_pymc = pytest.mark.skipif(
    importlib.util.find_spec("pymc") is None,
    reason="PyMC is not installed: analysis/hierarchical.py says how",
)
TRUTH = {"slope": 1.5, "threshold": 3.0, "price": 0.7, "wording_sd": 0.6}


def _holds(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def test_without_pymc_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that is None in the table of modules cannot be imported.
    monkeypatch.setitem(sys.modules, "pymc", None)
    layout, answers = layout_of(played())
    with pytest.raises(TradeoffsError, match="tradeoffs-bayes"):
        fit_pooled(layout.block("pain"), answers, confidence=0.95, seed=0)


@pytest.mark.slow
@needs_pymc
@pytest.mark.filterwarnings("ignore")
def test_threshold_price_and_their_spread_between_wordings_are_recovered() -> None:
    layout, answers = layout_of(played(answers=5, **TRUTH))
    block = layout.block("pain")
    found = fit_pooled(block, answers, confidence=0.95, seed=1, draws=500)
    assert found.converged, (found.r_hat, found.ess, found.divergences)
    middle = TRUTH["threshold"] + TRUTH["price"] * np.mean([log(gap) for gap in MAIN.gaps])
    assert _holds(found.threshold, middle)
    assert found.threshold.high - found.threshold.low < 1.5
    assert _holds(found.threshold_sd, TRUTH["wording_sd"])
    assert found.price is not None
    assert _holds(found.price, TRUTH["price"])
    assert found.price.high - found.price.low < 0.2
    assert found.price_above_zero == 1.0
    assert _holds(found.slope, TRUTH["slope"])
    assert found.num_wordings == len(MAIN.wordings)


@needs_pymc
@pytest.mark.filterwarnings("ignore")
def test_a_flat_curve_has_no_threshold_to_pool() -> None:
    layout, answers = layout_of(played(weight_pain=0.0))
    with pytest.raises(TradeoffsError, match="no dose-response"):
        fit_pooled(layout.block("pain"), answers, confidence=0.95, seed=0)
