import numpy as np
import pytest
from scipy import stats

from regard.tradeoffs.analysis.trend import trend_scores
from tests.tradeoffs.analysis.conftest import Drawn
from tests.tradeoffs.tables import layout_of, played


def test_without_strata_the_score_is_the_correlation_of_answers_with_levels(graded: Drawn) -> None:
    block, answers = graded
    scores = trend_scores(block, answers)
    own = block.wording == 4
    trials, avoided = answers.trials[own], (answers.trials - answers.successes)[own]
    level = np.repeat(block.level[own], trials.astype(int))
    choice = np.concatenate(
        [np.repeat([1, 0], [int(a), int(t - a)]) for a, t in zip(avoided, trials, strict=True)]
    )
    # Mantel's statistic is (N - 1) r^2.
    wanted = np.sqrt(len(level) - 1) * stats.pearsonr(level, choice).statistic
    assert scores[4] == pytest.approx(wanted)


def test_a_step_has_a_large_score(step: Drawn) -> None:
    assert trend_scores(*step).min() > 5


def test_scores_fall_below_nought_where_choices_go_the_other_way() -> None:
    table = played(slope=0.4, weight_pain=-1.0, threshold=4.0, price=0.0, goal=6.0)
    layout, answers = layout_of(table)
    assert np.mean(trend_scores(layout.block("pain"), answers)) < -2


def test_a_wording_that_never_varies_has_no_score(graded: Drawn) -> None:
    block, answers = graded
    answers.successes[block.wording == 2] = answers.trials[block.wording == 2]
    assert trend_scores(block, answers)[2] == 0
