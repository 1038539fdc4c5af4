from dataclasses import replace

import pytest

from regard.tradeoffs.compare import compare
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.errors import TradeoffsError
from tests.tradeoffs.report.runs import run_of
from tests.tradeoffs.tables import played

TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7}
TRADING = run_of(played(answers=5, **TRADER), model="one")
FLAT = run_of(played(answers=5, weight_pain=0.0), model="two")
LOST = run_of(played(answers=5, unparsed_share=1.0), model="three")


def test_every_model_and_target_has_a_row_corrected_for_all_of_them() -> None:
    rows = compare([TRADING, FLAT], criteria=Criteria())
    assert [(row.model, row.target, row.verdict) for row in rows] == [
        ("one", "pain", "trade-off"),
        ("one", "pleasure", "never"),
        ("two", "pain", "never"),
        ("two", "pleasure", "never"),
    ]
    assert rows[0].p_value is not None
    assert rows[0].p_value_holm == pytest.approx(4 * rows[0].p_value)
    assert rows[0].holds is True
    assert rows[2].holds is False
    assert rows[0].price is not None
    assert rows[2].price is None


def test_a_model_whose_answers_are_lost_is_named_with_its_gate() -> None:
    row = compare([TRADING, LOST], criteria=Criteria())[-1]
    assert row.failed_gate == "reading"
    assert row.slope is row.p_value_holm is None


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(FLAT, plan_design="e" * 64), "another design"),
        (replace(FLAT, criteria="x" * 64), "criteria"),
        (replace(FLAT, model="one"), "stands twice"),
    ],
)
def test_what_cannot_be_compared_is_refused(other: object, message: str) -> None:
    with pytest.raises(TradeoffsError, match=message):
        compare([TRADING, other], criteria=Criteria())  # type: ignore[list-item]
