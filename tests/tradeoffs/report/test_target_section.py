from math import inf

import pytest

from regard.common.statistics import Interval
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.report.target_section import TargetSection, interval_text, section_of
from regard.tradeoffs.verdict import judge
from tests.tradeoffs.tables import MAIN, layout_of, played

LEAN = DesignConfig(
    wordings=MAIN.wordings[:6],
    contexts=MAIN.contexts[:1],
    states=("none", "pain", "nonsense"),
    side_blocks=(),
)
TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7, "wording_sd": 0.3}


def _section(reading: str = "text", **parameters: float) -> TargetSection:
    table = played(design=LEAN, answers=15, readings=(reading,), **parameters)
    layout, answers = layout_of(table, reading)  # type: ignore[arg-type]
    verdict = judge(table, "pain", criteria=Criteria(), layout=layout)
    return section_of(layout, answers, verdict, criteria=Criteria(), seed=0)


def test_a_trader_has_every_figure_and_number() -> None:
    section = _section(**TRADER)
    assert all((section.dose, section.prices, section.forest, section.shares))
    assert section.threshold.endswith("]")
    assert section.price.endswith("levels per unit of the log gap")
    assert len(section.checks) == 5


def test_where_choices_do_not_follow_the_level_nothing_has_a_price() -> None:
    section = _section(weight_pain=0.0)
    assert section.price == "undetermined"
    assert section.threshold == "undetermined"
    assert section.prices == ""


def test_log_probabilities_are_shown_without_a_samples_intervals() -> None:
    section = _section("logprob", **TRADER, cell_noise=0.2)
    assert [name for name, _ in section.checks if "Firth" in name] == []
    assert section.threshold.endswith("]")


def test_where_many_decline_the_threshold_is_a_pair_of_bounds() -> None:
    section = _section(**TRADER, refuse_above=5.0, refuse_share=0.5)
    assert section.verdict.failed_gate == "refusal"
    assert section.threshold.startswith("between ")


def test_lost_answers_leave_the_gates_alone() -> None:
    section = _section(**TRADER, unparsed_share=1.0)
    assert section.dose == section.forest == section.slope == ""
    assert section.verdict.failed_gate == "reading"


@pytest.mark.parametrize(
    ("interval", "text"),
    [(Interval(1.234, 1.0, 2.0), "1.23 [1, 2]"), (Interval(1.0, -inf, inf), "undetermined")],
)
def test_an_infinite_interval_is_not_printed(interval: Interval, text: str) -> None:
    assert interval_text(interval) == text
