from dataclasses import fields, replace

import pytest

from regard.common.repository import repository_root
from regard.tradeoffs.criteria import CONTROLS_OF, Criteria
from regard.tradeoffs.plan import read_plan
from regard.tradeoffs.states import STATES, TARGETS


@pytest.mark.parametrize("name", [each.name for each in fields(Criteria)])
def test_every_number_is_in_the_digest(name: str) -> None:
    usual = Criteria()
    changed = replace(usual, **{name: getattr(usual, name) + 1})
    assert changed.digest() != usual.digest()
    assert Criteria().digest() == usual.digest()


def test_the_committed_plans_are_of_these_criteria_and_texts() -> None:
    plans = sorted((repository_root() / "results" / "tradeoffs").glob("*.plan.json"))
    assert plans
    for path in plans:
        assert read_plan(path).criteria == Criteria().digest()


def test_the_margin_lies_between_the_weights_that_the_truth_table_names() -> None:
    assert 0.4 < Criteria().specificity_margin < 0.8


def test_every_target_has_controls_that_there_are() -> None:
    assert set(CONTROLS_OF) == set(TARGETS)
    for controls in CONTROLS_OF.values():
        assert {STATES[name].role for name in controls} == {"control"}
