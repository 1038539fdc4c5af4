from regard.tradeoffs.analysis.refusals import refusal_bounds
from tests.tradeoffs.tables import layout_of, played


def test_declined_answers_bound_the_threshold_from_both_sides() -> None:
    table = played(slope=1.0, threshold=3.0, refuse_above=5.0, refuse_share=0.6)
    layout, answers = layout_of(table)
    low, high = refusal_bounds(layout.block("pain"), answers, confidence=0.95)
    assert low.value is not None
    assert high.value is None or high.value > low.value + 0.3


def test_without_refusals_both_bounds_are_the_threshold() -> None:
    layout, answers = layout_of(played(slope=1.0, threshold=3.0))
    low, high = refusal_bounds(layout.block("pain"), answers, confidence=0.95)
    assert low == high
