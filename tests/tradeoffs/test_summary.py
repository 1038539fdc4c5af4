import json

import pytest
from rich.console import Console

from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.summary import NOT_ASSESSED, print_summary, summary_of
from regard.tradeoffs.verdict import judge
from tests.tradeoffs.tables import played

TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7}


def test_without_gates_the_word_is_never_said() -> None:
    verdict = judge(played(**TRADER), "pain", criteria=Criteria(), with_gates=False)
    summary = summary_of(verdict)
    assert "trade-off" not in json.dumps(summary)
    assert summary["gates"] == NOT_ASSESSED
    assert summary["t1_to_t5"] == "T1 to T5 hold"
    assert [each["name"][:2] for each in summary["criteria"]] == ["T1", "T2", "T3", "T4", "T5"]


def test_what_does_not_hold_is_named() -> None:
    table = played(**{**TRADER, "price": 0.0})
    verdict = judge(table, "pain", criteria=Criteria(), with_gates=False)
    assert summary_of(verdict)["t1_to_t5"] == "not held: T4 price"


def test_a_threshold_outside_the_levels_is_a_bound_in_strict_json() -> None:
    table = played(slope=0.3, threshold=14.0, price=0.0)
    summary = summary_of(judge(table, "pain", criteria=Criteria()))
    threshold = summary["readings"][0]["threshold"]
    assert threshold == {"value": None, "low": 10.0, "high": None}
    assert json.dumps(summary, allow_nan=False)


def test_a_respondent_whose_every_answer_is_lost_has_a_summary() -> None:
    verdict = judge(played(**TRADER, unparsed_share=1.0), "pain", criteria=Criteria())
    summary = summary_of(verdict)
    assert summary["verdict"] == "not measurable: reading"
    assert summary["failed_gate"] == "reading"


@pytest.mark.parametrize("with_gates", [True, False])
def test_people_read_the_verdict_first_and_the_disclaimer_last(
    with_gates: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = judge(played(answers=5, **TRADER), "pain", criteria=Criteria(), with_gates=with_gates)
    print_summary(summary_of(verdict), Console(width=100))
    lines = capsys.readouterr().out.strip().splitlines()
    head = "trade-off" if with_gates else "T1 to T5 hold; gates not assessed"
    assert lines[0] == f"pain (numeric): {head}"
    assert "feeling" in " ".join(lines[-2:])
