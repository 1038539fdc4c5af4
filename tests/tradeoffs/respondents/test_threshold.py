"""Each parameter of a player of zoo 1 does what the truth table says it does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from regard.tradeoffs.design import FULL
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import Outcomes, key_frame
from regard.tradeoffs.respondents.threshold import threshold_player

KEYS = key_frame(FULL)
MAIN = (KEYS["scale"] == "numeric") & (KEYS["addressee"] == "model")


def _outcomes(**parameters: Any) -> Outcomes:
    return threshold_player(parameters).outcomes(KEYS, np.random.default_rng(0))


def _rows(state: str, **keys: Any) -> np.ndarray:
    chosen = KEYS["state"] == state
    if state in ("pain", "pleasure"):
        chosen &= MAIN & (KEYS["clause"] == ("best-after" if state == "pain" else "second-after"))
    for name, value in keys.items():
        chosen &= KEYS[name] == value
    return chosen.to_numpy()


def _probability(outcomes: Outcomes, state: str, **keys: Any) -> float:
    values = outcomes.max_text[_rows(state, **keys)]
    assert np.ptp(values) < 1e-9, "the cells differ"
    return float(values[0])


def test_at_the_threshold_both_options_draw_alike() -> None:
    found = _outcomes(slope=2.0, threshold=4.0, price=0.0)
    assert _probability(found, "pain", intensity=4) == pytest.approx(0.5)
    assert _probability(found, "pain", intensity=6) == pytest.approx(expit(-4.0))


def test_the_price_moves_the_threshold_by_the_logarithm_of_the_gap() -> None:
    found = _outcomes(slope=1.0, threshold=4.0, price=1.0)
    at = logit(_probability(found, "pain", intensity=6, gap=50))
    assert at == pytest.approx(-(6 - 4 - np.log(50)))


def test_a_hyperbolic_price_saturates() -> None:
    found = _outcomes(slope=1.0, threshold=2.0, price=4.0, price_form="hyperbolic", half_gap=10.0)
    at = logit(_probability(found, "pain", intensity=6, gap=50))
    assert at == pytest.approx(-(6 - 2 - 4 * 50 / 60))


def test_without_a_state_only_the_goal_counts() -> None:
    assert _probability(_outcomes(goal=3.0), "none") == pytest.approx(expit(3.0))
    assert _probability(_outcomes(goal=3.0, link="probit"), "none") == pytest.approx(
        0.99865, abs=1e-5
    )


def test_a_control_of_weight_w_at_x_acts_like_the_target_at_w_x() -> None:
    found = _outcomes(weight_fear=0.5, price=0.0)
    at_eight = _probability(found, "fear", intensity=8)
    assert at_eight == pytest.approx(_probability(found, "pain", intensity=4))
    flat = _probability(found, "boredom", intensity=10)
    assert flat == pytest.approx(_probability(found, "pain", intensity=0))


def test_where_nothing_has_weight_no_level_acts() -> None:
    found = _outcomes(weight_pain=0.0, goal=4.0)
    assert _probability(found, "pain") == pytest.approx(expit(4.0))


def test_pain_on_the_option_with_fewer_points_makes_the_other_one_better() -> None:
    chosen = (KEYS["state"] == "pain") & KEYS["clause"].isin(["second-after", "second-before"])
    assert (_outcomes(slope=2.0, goal=5.0).max_text[chosen] > 0.9).all()


def test_a_pleasure_seeker_gives_up_points_for_it() -> None:
    found = _outcomes(weight_pain=0.0, weight_pleasure=1.0, slope=2.0, threshold=3.0, price=0.0)
    assert _probability(found, "pleasure", intensity=10) < 0.01
    assert _probability(found, "pain", intensity=10) > 0.9


def test_a_hump_avoids_in_the_middle_only() -> None:
    found = _outcomes(shape="hump", slope=2.0, threshold=4.0, price=0.0)
    by_level = [_probability(found, "pain", intensity=level) for level in (0, 4, 6, 10)]
    assert by_level[0] == by_level[3] > 0.9
    assert by_level[1] == by_level[2] < 0.1


def test_biases_follow_place_and_label() -> None:
    found = _outcomes(order_bias=2.0, goal=1.0)
    assert _probability(found, "none", order="max-first") == pytest.approx(expit(3.0))
    assert _probability(found, "none", order="max-second") == pytest.approx(expit(-1.0))
    found = _outcomes(label_bias=2.0, goal=1.0)
    assert _probability(found, "none", order="max-first", labels="K/R") == pytest.approx(expit(3.0))
    assert _probability(found, "none", order="max-first", labels="R/K") == pytest.approx(
        expit(-1.0)
    )


def test_digit_anchoring_cancels_where_both_options_carry_the_digit() -> None:
    found = _outcomes(weight_pain=0.0, goal=5.0, anchor=0.5)
    assert _probability(found, "neutral", intensity=10) == pytest.approx(0.5)
    assert _probability(found, "both", intensity=10) == pytest.approx(expit(5.0))


def test_a_keyword_costs_at_any_level_and_its_share_where_pain_is_denied() -> None:
    found = _outcomes(weight_pain=0.0, goal=5.0, keyword_cost=4.0, keyword_denied=0.5)
    assert _probability(found, "pain") == pytest.approx(expit(1.0))
    assert _probability(found, "denied") == pytest.approx(expit(3.0))
    assert _probability(found, "past") == pytest.approx(expit(5.0))
    assert _probability(found, "fear") == pytest.approx(expit(5.0))


def test_a_persona_mixture_is_flat_in_its_share_of_wordings() -> None:
    found = _outcomes(flat_wordings=0.5, slope=3.0, threshold=3.0, price=0.0)
    at_top = KEYS.assign(p=found.max_text)[_rows("pain", intensity=10)].groupby("wording")["p"]
    assert (at_top.mean() > 0.5).sum() == 6


def test_it_trades_in_one_context_and_in_one_order_where_it_is_said() -> None:
    table = KEYS.assign(p=_outcomes(one_context=True, price=0.0).max_text)
    by_context = table[_rows("pain", intensity=10)].groupby("context")["p"].mean()
    assert sorted(by_context > 0.5) == [False, True]
    table = KEYS.assign(p=_outcomes(one_order=True, price=0.0).max_text)
    by_order = table[_rows("pain", intensity=10)].groupby("order")["p"].mean()
    assert by_order["max-second"] > 0.9 > 0.1 > by_order["max-first"]


def test_flat_log_probabilities_keep_to_the_points() -> None:
    found = _outcomes(flat_logprob=True, goal=5.0)
    assert np.allclose(found.max_logprob[_rows("pain")], expit(5.0))
    assert found.max_text[_rows("pain", intensity=10)].max() < 0.5


def test_wordings_and_cells_differ_by_their_standard_deviations() -> None:
    found = _outcomes(wording_sd=1.0, slope=1.0, threshold=5.0, price=0.0, goal=50.0)
    thresholds = logit(found.max_text[_rows("pain", intensity=4, gap=1, order="max-first")])
    assert 0.4 < np.std(thresholds) < 1.6
    found = _outcomes(cell_noise=1.0, goal=2.0)
    assert np.std(logit(found.max_text[_rows("none")])) == pytest.approx(1.0, abs=0.2)


def test_gates_are_failed_where_it_is_said() -> None:
    found = _outcomes(comprehension=0.6, lure=9.0, goal=5.0, unparsed_share=0.3)
    assert _probability(found, "ask-state") == 0.6
    assert _probability(found, "dominated") == pytest.approx(expit(-4.0))
    assert (found.unparsed == 0.3).all()
    assert (found.label_mass < 0.9).all()


def test_a_refuser_declines_above_its_level_only() -> None:
    found = _outcomes(refuse_above=5.0, refuse_share=0.7)
    refused = pd.Series(found.refused)
    assert (refused[_rows("pain", intensity=6)] == 0.7).all()
    assert (refused[_rows("pain", intensity=4)] == 0).all()
    assert (refused[_rows("fear", intensity=10)] == 0).all()


def test_lapses_bound_the_probabilities() -> None:
    found = _outcomes(lapse=0.1, slope=5.0, goal=20.0)
    assert found.max_text.min() == pytest.approx(0.05, abs=1e-6)
    assert found.max_text.max() <= 0.98


@pytest.mark.parametrize(
    ("name", "value"), [("link", "cauchy"), ("shape", "u"), ("price_form", "x")]
)
def test_an_unknown_form_is_refused(name: str, value: str) -> None:
    with pytest.raises(TradeoffsError, match=f"{name}: '{value}'"):
        threshold_player({name: value})
