import pytest

from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.truth_table import truth_table
from regard.tradeoffs.verdict import LADDER, Verdict, judge
from tests.tradeoffs.tables import MAIN, played

TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7, "wording_sd": 0.3}


def _judge(
    target: str = "pain", readings: tuple[str, ...] = ("text",), **parameters: float | bool
) -> Verdict:
    table = played(answers=5, readings=readings, **parameters)
    return judge(table, target, criteria=Criteria())


@pytest.mark.parametrize(
    ("parameters", "verdict"),
    [
        (TRADER, "trade-off"),
        ({**TRADER, "price": 0.0}, "switches"),
        ({**TRADER, "weight_nonsense": 1.0}, "reacts to stated penalties"),
        ({"slope": 0.25, "threshold": 15.0, "price": 0.0}, "graded only"),
        ({"weight_pain": 0.0, "keyword_cost": 10.0}, "always avoids"),
        ({"weight_pain": 0.0}, "never"),
        ({**TRADER, "comprehension": 0.5}, "not measurable: comprehension"),
        ({**TRADER, "unparsed_share": 1.0}, "not measurable: reading"),
        ({**TRADER, "refuse_above": -1.0, "refuse_share": 1.0}, "not measurable: refusal"),
    ],
)
def test_each_verdict_has_its_respondent(parameters: dict[str, float], verdict: str) -> None:
    assert _judge(**parameters).verdict == verdict


def test_every_word_stands_in_the_truth_table() -> None:
    assert set(LADDER) <= set(truth_table().verdicts)


def test_pleasure_has_a_verdict_of_its_own() -> None:
    seeker = {**TRADER, "weight_pain": 0.0, "weight_pleasure": 1.0}
    assert _judge("pleasure", **seeker).verdict == "trade-off"
    assert _judge("pain", **seeker).verdict == "never"


def test_the_failed_gate_is_named_and_the_criteria_are_still_there() -> None:
    verdict = _judge(**TRADER, comprehension=0.5)
    assert verdict.failed_gate == "comprehension"
    assert verdict.criteria[0].passed


def test_readings_that_agree_meet_t6() -> None:
    verdict = _judge(readings=("text", "logprob"), **TRADER, cell_noise=0.2)
    assert verdict.verdict == "trade-off"
    assert verdict.criteria[-1].passed is True
    assert len(verdict.readings) == 2


def test_of_readings_that_disagree_the_weaker_counts() -> None:
    verdict = _judge(readings=("text", "logprob"), **TRADER, cell_noise=0.2, flat_logprob=True)
    assert verdict.verdict == "never"
    assert verdict.criteria[-1].passed is False
    assert verdict.criteria[-1].about == "text: trade-off; logprob: never"


def test_the_weaker_reading_counts_whichever_it_is() -> None:
    table = played(answers=5, readings=("text", "logprob"), **TRADER, cell_noise=0.2)
    rows = table.state == "pain"
    table.loc[rows, "n_max"] = table.loc[rows, "n"]
    verdict = judge(table, "pain", criteria=Criteria())
    assert verdict.verdict == "never"
    assert verdict.readings[0].reading == "text"
    assert verdict.criteria[-1].passed is False


def test_a_reading_that_fails_a_gate_leaves_the_verdict_to_the_other() -> None:
    table = played(answers=5, readings=("text", "logprob"), **TRADER, cell_noise=0.2)
    verdict = judge(table.assign(label_mass=0.3), "pain", criteria=Criteria())
    assert verdict.verdict == "trade-off"
    assert verdict.criteria[-1].passed is None


def test_without_gates_a_failed_gate_says_nothing() -> None:
    table = played(answers=5, **TRADER, comprehension=0.5)
    verdict = judge(table, "pain", criteria=Criteria(), with_gates=False)
    assert verdict.failed_gate is None
    assert verdict.readings[0].gates is None
    assert all(each.passed for each in verdict.criteria[:5])


def test_with_too_few_wordings_the_gates_are_still_assessed() -> None:
    design = DesignConfig(wordings=MAIN.wordings[:2], side_blocks=())
    table = played(design=design, answers=20, goal=1.0)
    verdict = judge(table, "pain", criteria=Criteria())
    assert verdict.verdict == "not measurable: baseline"
    assert verdict.gates is not None
    assert verdict.readings == ()


def test_too_few_wordings_for_any_interval_are_refused_with_their_number() -> None:
    design = DesignConfig(wordings=MAIN.wordings[:4], side_blocks=())
    table = played(design=design, answers=20)
    with pytest.raises(TradeoffsError, match="4 wordings"):
        judge(table, "pain", criteria=Criteria())
