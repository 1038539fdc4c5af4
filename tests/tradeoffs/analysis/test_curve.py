import numpy as np
import pytest
from scipy import stats

from regard.tradeoffs.analysis.curve import bands_of, cube_of, level_share, mean_interval
from tests.tradeoffs.analysis.conftest import Drawn
from tests.tradeoffs.tables import layout_of, played


def test_a_cube_holds_every_answer_once() -> None:
    table = played(slope=1.0)
    layout, answers = layout_of(table)
    cube = cube_of(layout.block("pain"), answers)
    main = table[(table.state == "pain")]
    assert cube.trials.sum() == main.n.sum()
    one = main[(main.wording == "plain") & (main.gap == 7) & (main.intensity == 4)]
    at = (cube.block.wordings.index("plain"), 1, 2)
    assert cube.successes[at] == one.n_max.sum()


def test_the_interval_over_wordings_is_students() -> None:
    values = np.array([0.1, 0.4, 0.3, np.nan, 0.6])
    found = mean_interval(values, confidence=0.95)
    wanted = stats.ttest_1samp([0.1, 0.4, 0.3, 0.6], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_one_wording_has_no_finite_interval() -> None:
    assert mean_interval(np.array([0.5]), confidence=0.95).high == np.inf


def test_bands_fall_with_the_level_and_hold_their_shares(graded: Drawn) -> None:
    bands = bands_of(cube_of(*graded), confidence=0.95)
    shares = [band.share.value for band in bands]
    assert shares[0] > 0.9 > 0.1 > shares[-1]
    assert all(band.share.low <= band.share.value <= band.share.high for band in bands)
    # Wordings differ, which Wilson's interval does not know.
    middle = bands[5]
    assert middle.clustered.high - middle.clustered.low > middle.share.high - middle.share.low


def test_the_share_of_a_level_weighs_wordings_alike(graded: Drawn) -> None:
    cube = cube_of(*graded)
    found = level_share(cube, 5, confidence=0.95)
    assert found.value == pytest.approx(cube.shares()[:, 0, 5].mean())
