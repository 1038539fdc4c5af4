"""Each parameter of a player of zoo 2 does what the truth table says it does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from inspect_ai.model import GenerateConfig
from scipy.special import expit, logit

from regard.tradeoffs.design import FULL, SHORT, design_cells
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import Outcomes, key_frame
from regard.tradeoffs.respondents.provider import REFUSAL, RespondentAPI
from regard.tradeoffs.respondents.utility import utility_player
from regard.tradeoffs.samples import samples_of
from regard.tradeoffs.states import QUESTIONS

KEYS = key_frame(FULL)
FEW = key_frame(SHORT)
FEW = FEW[~FEW["state"].isin(QUESTIONS)]
MAIN = KEYS["scale"].isin(["numeric", "none"]) & (KEYS["addressee"] == "model")


def _outcomes(**parameters: Any) -> Outcomes:
    return utility_player(parameters).outcomes(KEYS, np.random.default_rng(0))


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


@pytest.mark.parametrize(
    ("curve", "worth"), [("logarithm", np.log(50)), ("root", np.sqrt(50))], ids=["log", "root"]
)
def test_points_are_worth_a_bonus_and_the_curve_of_the_gap(curve: str, worth: float) -> None:
    found = _outcomes(bonus=2.0, point_value=0.5, point_curve=curve)
    assert _probability(found, "none", gap=50) == pytest.approx(expit(2.0 + 0.5 * worth))


def test_a_state_costs_its_depth_at_the_end_of_the_scale_and_bends_before() -> None:
    found = _outcomes(bonus=4.0, depth=10.0, bend=2.0)
    assert _probability(found, "pain", intensity=0) == pytest.approx(expit(4.0))
    assert _probability(found, "pain", intensity=4) == pytest.approx(expit(4.0 - 1.6))
    assert _probability(found, "pain", intensity=10) == pytest.approx(expit(-6.0))


def test_a_weight_is_a_share_of_the_depth() -> None:
    found = _outcomes(bonus=4.0, depth=10.0, weight_fear=0.5)
    assert _probability(found, "fear", intensity=10) == pytest.approx(expit(-1.0))
    assert _probability(found, "boredom", intensity=10) == pytest.approx(expit(4.0))


def test_pain_on_the_option_with_fewer_points_makes_the_other_one_better() -> None:
    chosen = (KEYS["state"] == "pain") & KEYS["clause"].isin(["second-after", "second-before"])
    chosen &= KEYS["intensity"] == 4
    assert np.allclose(_outcomes(bonus=1.0, depth=5.0).max_text[chosen], expit(3.0))


def test_a_sentence_costs_the_option_that_carries_it_at_any_level() -> None:
    found = _outcomes(weight_pain=0.0, bonus=4.0, sentence_cost=6.0)
    assert _probability(found, "nonsense") == pytest.approx(expit(-2.0))
    assert _probability(found, "pleasure") == pytest.approx(expit(10.0))
    assert _probability(found, "both") == pytest.approx(expit(4.0))
    assert _probability(found, "none") == pytest.approx(expit(4.0))


def test_biases_follow_place_and_label() -> None:
    found = _outcomes(bonus=1.0, order_bias=2.0, label_bias=0.5)
    at = {"order": "max-second", "labels": "K/R"}
    assert _probability(found, "none", **at) == pytest.approx(expit(1.0 - 2.0 - 0.5))
    at = {"order": "max-first", "labels": "K/R"}
    assert _probability(found, "none", **at) == pytest.approx(expit(1.0 + 2.0 + 0.5))


def _wording_shifts(degrees: float) -> np.ndarray:
    """Logits by draw and wording; all cells of a wording agree."""
    player = utility_player(
        {"bonus": 0.0, "weight_pain": 0.0, "wording_sd": 0.5, "tail_degrees": degrees}
    )
    wordings, _ = pd.factorize(FEW["wording"])
    one_each = np.unique(wordings, return_index=True)[1]
    alone = FEW.iloc[one_each].reset_index(drop=True)
    shifts = [
        logit(player.outcomes(alone, np.random.default_rng(seed)).max_text) for seed in range(400)
    ]
    for seed in range(3):
        found = logit(player.outcomes(FEW, np.random.default_rng(seed)).max_text)
        assert np.allclose(found, shifts[seed][wordings])
    return np.asarray(shifts)


def _kurtosis(values: np.ndarray) -> float:
    return float(np.mean(values**4) / np.mean(values**2) ** 2)


def test_wordings_differ_by_their_standard_deviation_with_the_tails_that_are_said() -> None:
    normal, heavy = _wording_shifts(np.inf), _wording_shifts(3.0)
    assert normal.std() == pytest.approx(0.5, rel=0.05)
    assert heavy.std() == pytest.approx(0.5, rel=0.2)
    assert _kurtosis(normal) < 3.5
    assert _kurtosis(heavy) > 5.0


def test_prompts_deviate_by_their_standard_deviation() -> None:
    deviations = logit(_outcomes(bonus=2.0, cell_noise=0.6).max_text[_rows("none")]) - 2.0
    assert np.std(deviations) == pytest.approx(0.6, rel=0.2)


def test_over_dispersed_cells_keep_their_mean_and_scatter_as_a_beta() -> None:
    found = _outcomes(bonus=1.0, weight_pain=0.0, dispersion=0.1).max_text[_rows("pain")]
    mean = expit(1.0)
    assert found.mean() == pytest.approx(mean, abs=0.03)
    assert found.var() == pytest.approx(0.1 * mean * (1 - mean), rel=0.25)


def test_a_second_mind_takes_the_points_in_its_share_of_answers() -> None:
    found = _outcomes(bonus=4.0, depth=40.0, share_max=0.2)
    assert _probability(found, "pain", intensity=10) == pytest.approx(0.2 * expit(4.0))
    assert _probability(found, "none") == pytest.approx(expit(4.0))


def test_slopes_differ_between_wordings_and_states_about_nought() -> None:
    found = _outcomes(bonus=0.0, weight_pain=0.0, slope_sd=0.1)
    table = KEYS.assign(u=logit(found.max_text))
    slopes = [
        table[_rows(state, intensity=10)].groupby("wording")["u"].mean() / 10
        for state in ("pain", "nonsense")
    ]
    assert np.std(slopes) == pytest.approx(0.1, rel=0.5)
    assert abs(np.mean(slopes)) < 0.07
    assert not np.allclose(*slopes)
    assert np.allclose(
        table["u"][_rows("pain", intensity=4)], table["u"][_rows("pain", intensity=10)] * 0.4
    )


def test_sentences_do_nothing_in_the_flat_wordings() -> None:
    found = _outcomes(flat_wordings=0.84)
    at_top = KEYS.assign(p=found.max_text)[_rows("pain", intensity=10)].groupby("wording")["p"]
    assert (at_top.mean() < 0.5).sum() == 2


def test_gates_are_failed_where_it_is_said() -> None:
    found = _outcomes(bonus=4.0, comprehension_intensity=0.5, lure=3.0, unparsed_share=0.1)
    assert _probability(found, "ask-intensity") == 0.5
    assert _probability(found, "ask-points") == _probability(found, "ask-state") == 0.98
    assert _probability(found, "dominated") == pytest.approx(expit(1.0))
    assert (found.unparsed == 0.1).all()
    assert (found.label_mass < 0.9).all()


def test_a_refuser_declines_where_pain_comes_and_only_above_its_level() -> None:
    found = _outcomes(refuse_above=6.0, refuse_share=0.4, unparsed_share=0.5)
    declines = KEYS["state"].isin(["pain", "both"]).to_numpy()
    level = np.where(KEYS["scale"].isin(["verbal", "shuffled"]), 1.25, 1.0) * KEYS["intensity"]
    assert np.array_equal(found.refused, np.where(declines & (level > 6.0), 0.4, 0.0))
    assert (found.refused + found.unparsed <= 1.0).all()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("point_curve", "cube", "point_curve: 'cube'; choose logarithm or root"),
        ("tail_degrees", 2.0, "tail_degrees: 2; give more than 2"),
        ("dispersion", 1.0, "dispersion: 1; give 0 to below 1"),
        ("slope", 1.0, "utility player: no parameter 'slope'"),
    ],
)
def test_what_it_cannot_play_is_refused(name: str, value: float | str, message: str) -> None:
    with pytest.raises(TradeoffsError, match=message):
        utility_player({name: value})


async def test_through_inspect_it_declines_as_without_it() -> None:
    api = RespondentAPI("declines-pain", seed=1)
    cells = [cell for cell in design_cells(FULL) if cell.intensity in (0, 10)]
    declined = {}
    for state in ("none", "pain", "denied"):
        samples = samples_of([cell for cell in cells if cell.state == state][:40])
        answers = [
            await api.generate(list(sample.input), [], "none", GenerateConfig())  # type: ignore[arg-type]
            for sample in samples
        ]
        declined[state] = sum(answer.completion == REFUSAL for answer in answers)
    assert declined["none"] == declined["denied"] == 0
    assert declined["pain"] >= 12
