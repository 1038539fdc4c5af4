import pytest

from regard.tradeoffs.analysis.variance import variance_shares
from tests.tradeoffs.tables import layout_of, played


def test_shares_of_a_balanced_design_add_up_to_one() -> None:
    layout, answers = layout_of(played(slope=1.0, wording_sd=0.5, order_bias=0.3))
    shares = variance_shares(layout.block("pain"), answers)
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=lambda name: shares[name]) == "intensity"


def test_a_liking_for_a_place_shows_as_order() -> None:
    layout, answers = layout_of(played(weight_pain=0.0, goal=1.0, order_bias=3.0))
    shares = variance_shares(layout.block("pain"), answers)
    assert shares["order"] > 0.5
    assert shares["intensity"] < 0.05


def test_wordings_that_differ_show_as_wording() -> None:
    shares = []
    for spread in (0.0, 2.0):
        table = played(slope=0.8, wording_sd=spread)
        layout, answers = layout_of(table)
        found = variance_shares(layout.block("pain"), answers)
        shares.append(found["wording"] + found["intensity x wording"])
    assert shares[1] > 3 * shares[0]


def test_answers_that_are_all_alike_have_no_variance() -> None:
    layout, answers = layout_of(played())
    answers.successes[:] = answers.trials
    assert set(variance_shares(layout.block("pain"), answers).values()) == {0.0}
