"""Every kind of both zoos can be played, and plays what its entry says."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from regard.tradeoffs.cells import check_cells
from regard.tradeoffs.design import FULL, SHORT
from regard.tradeoffs.respondents.contract import Outcomes, key_frame, simulate
from regard.tradeoffs.respondents.zoo import draw_respondent
from regard.tradeoffs.states import CONTROLS
from regard.tradeoffs.truth_table import Kind, truth_table

SHORT_KEYS = key_frame(SHORT)
KEYS = key_frame(FULL)
MAIN = KEYS["scale"].isin(["numeric", "none"]) & (KEYS["addressee"] == "model")
KINDS = tuple(truth_table().kinds.values())
UTILITY_TRADERS = (
    "utility trade-off", "root utility", "over-dispersed", "heavy-tailed wordings", "two minds",
    "biased trader", "two readings of a utility", "pleasure utility",
)  # fmt: skip
AVERSE = {
    "negation-blind": "denied",
    "past-averse": "past",
    "fear-averse": "fear",
    "tedium-averse": "boredom",
    "mark-averse": "unfelt",
    "nonsense-averse": "nonsense",
    "change-averse": "neutral",
}


def _drawn(kind: str, seed: int = 0) -> Outcomes:
    rng = np.random.default_rng(seed)
    return draw_respondent(truth_table().kind(kind), rng).outcomes(KEYS, rng)


def _rows(state: str, **keys: Any) -> np.ndarray:
    chosen = KEYS["state"] == state
    if state in ("pain", "pleasure"):
        chosen &= MAIN & (KEYS["clause"] == ("best-after" if state == "pain" else "second-after"))
    for name, value in keys.items():
        chosen &= KEYS[name] == value
    return chosen.to_numpy()


def _mean(outcomes: Outcomes, state: str, **keys: Any) -> float:
    return float(outcomes.max_text[_rows(state, **keys)].mean())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_plays_and_its_table_is_one_of_cells(kind: Kind) -> None:
    rng = np.random.default_rng(1)
    respondent = draw_respondent(kind, rng)
    table = simulate(respondent, SHORT_KEYS, rng, answers=3, readings=kind.readings)
    assert len(check_cells(table, source=kind.name)) == len(SHORT_KEYS)
    assert ("logprob" in kind.readings) == table["p_max"].notna().all()


def test_a_seed_gives_the_same_table_and_another_seed_another_one() -> None:
    kind = truth_table().kind("noisy cells")

    def table(seed: int) -> str:
        rng = np.random.default_rng(seed)
        respondent = draw_respondent(kind, rng)
        return str(simulate(respondent, SHORT_KEYS, rng, answers=5, readings=["text"]).to_csv())

    assert table(3) == table(3)
    assert table(3) != table(4)


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [
        ("trade-off", 0.9, 0.1),
        ("always max", 0.9, 1.0),
        ("always avoids", 0.0, 0.2),
        ("utility trade-off", 0.9, 0.1),
    ],
)
def test_curves_begin_and_end_where_the_kind_says(
    name: str, at_least: float, at_most: float
) -> None:
    keys = key_frame(FULL)
    chosen = (keys["state"] == "pain") & (keys["clause"] == "best-after") & (keys["gap"] == 7)
    chosen &= (keys["scale"] == "numeric") & (keys["addressee"] == "model")
    rng = np.random.default_rng(2)
    p = draw_respondent(truth_table().kind(name), rng).outcomes(keys, rng).max_text
    assert p[chosen & (keys["intensity"] == 0)].mean() >= at_least
    assert p[chosen & (keys["intensity"] == 10)].mean() <= at_most


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_probabilities_of_every_kind_lie_between_nought_and_one(kind: Kind) -> None:
    found = _drawn(kind.name, 4)
    for each in fields(found):
        values = getattr(found, each.name)
        assert values.shape == (len(KEYS),)
        assert ((values >= 0) & (values <= 1)).all(), each.name
    assert (found.refused + found.unparsed <= 1).all()


@pytest.mark.parametrize("kind", truth_table().zoo(2), ids=lambda kind: kind.name)
def test_a_generator_gives_the_same_respondent_and_another_one_another(kind: Kind) -> None:
    first, again, other = (_drawn(kind.name, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.max_text, again.max_text)
    assert not np.array_equal(first.max_text, other.max_text)


@pytest.mark.parametrize("name", UTILITY_TRADERS)
def test_a_trader_switches_later_where_more_points_are_at_stake(name: str) -> None:
    found, target = _drawn(name), truth_table().kind(name).target
    assert _mean(found, "none") > 0.9
    curves = {
        gap: [_mean(found, target, gap=gap, intensity=level) for level in (0, 2, 4, 6, 8, 10)]
        for gap in (1, 7, 50)
    }
    assert sum(curves[1]) < sum(curves[7]) - 0.2 < sum(curves[50]) - 0.4
    for curve in curves.values():
        assert curve[0] > 0.9 > 0.4 > curve[-1]
    for control in CONTROLS:
        assert _mean(found, control, intensity=10) > 0.9


@pytest.mark.parametrize(("name", "control"), AVERSE.items(), ids=list(AVERSE))
def test_an_averse_kind_reacts_to_its_control_as_to_pain_and_to_no_other(
    name: str, control: str
) -> None:
    found = _drawn(name)
    for gap in (1, 7, 50):
        assert _mean(found, control, intensity=10, gap=gap) < 0.4
        assert _mean(found, "pain", intensity=10, gap=gap) < 0.4
    for other in set(CONTROLS) - {control}:
        assert _mean(found, other, intensity=10) > 0.9


def test_the_price_blind_switch_alike_and_the_price_inverse_earlier_at_a_larger_gap() -> None:
    blind, inverse = _drawn("price-blind"), _drawn("price-inverse")
    at = [_mean(blind, "pain", intensity=6, gap=gap) for gap in (1, 7, 50)]
    assert np.ptp(at) < 1e-9
    areas = [_mean(inverse, "pain", gap=gap) for gap in (1, 7, 50)]
    assert areas[0] > areas[1] + 0.02 > areas[2] + 0.04
    assert _mean(inverse, "none", gap=50) > 0.9


def test_the_last_step_turns_at_the_top_only() -> None:
    found = _drawn("last step")
    assert _mean(found, "pain", intensity=8) > 0.7
    assert _mean(found, "pain", intensity=10) < 0.01


def test_the_weak_hardly_avoid_at_a_high_price() -> None:
    ends = [_mean(_drawn("weak utility", seed), "pain", intensity=10, gap=50) for seed in range(9)]
    assert min(ends) < 0.5 < max(ends)


def test_the_clause_averse_avoid_every_sentence_and_take_the_points_without_one() -> None:
    found = _drawn("clause-averse")
    for state in ("pain", "nonsense", "neutral", "past", "denied"):
        assert _mean(found, state, intensity=0) == pytest.approx(_mean(found, state, intensity=10))
        assert _mean(found, state) < 0.1
    assert _mean(found, "none") > 0.95


@pytest.mark.parametrize("name", ["wording slopes", "over-dispersed flat"])
def test_the_flat_keep_to_the_points(name: str) -> None:
    found = _drawn(name)
    assert all(_mean(found, "pain", intensity=level) > 0.8 for level in (0, 4, 10))


def test_the_one_wording_wonder_trades_in_one_or_two_wordings() -> None:
    for seed in range(4):
        table = KEYS.assign(p=_drawn("one-wording wonder", seed).max_text)
        at_top = table[_rows("pain", intensity=10)].groupby("wording")["p"].mean()
        assert 1 <= (at_top < 0.5).sum() <= 2


def test_who_declines_pain_declines_it_at_every_level_and_the_worst_at_the_upper_ones() -> None:
    always, upper = _drawn("declines pain").refused, _drawn("declines the worst").refused
    assert always[_rows("pain", intensity=0)].min() >= 0.5
    assert upper[_rows("pain", intensity=4)].max() == 0
    assert 0.2 <= upper[_rows("pain", intensity=8)].min() <= 0.4
    for state in ("none", "pleasure", "nonsense", "denied", "dominated"):
        assert always[_rows(state)].max() == upper[_rows(state)].max() == 0


def test_kinds_that_cannot_be_measured_fail_at_what_they_are_named_for() -> None:
    assert 0.08 < _drawn("half-parsed").unparsed.min() < 0.16
    leaning = _drawn("leans to a place")
    assert _mean(leaning, "none", order="max-first") > 0.95
    assert 0.3 < _mean(leaning, "none", order="max-second") < 0.7
    ranking = _drawn("cannot rank")
    assert _mean(ranking, "ask-intensity") <= 0.7 < 0.9 < _mean(ranking, "ask-points")
    worse = [_mean(_drawn("indifferent to dominance", seed), "dominated") for seed in range(40)]
    assert np.mean(worse) == pytest.approx(5 / 6, abs=0.04)


def test_the_two_readings_of_a_utility_agree() -> None:
    found = _drawn("two readings of a utility")
    assert np.array_equal(found.max_text, found.max_logprob)
