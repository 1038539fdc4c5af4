from collections.abc import Sequence
from dataclasses import replace

import pytest

from regard.tradeoffs.compare import compare
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.read_log import RunLog
from regard.tradeoffs.report.comparison import make_comparison
from regard.tradeoffs.report.page import OPENING
from tests.tradeoffs.report.markup import read_markup
from tests.tradeoffs.report.runs import REGISTERED, run_of
from tests.tradeoffs.tables import MAIN, played

LEAN = replace(
    MAIN, wordings=MAIN.wordings[:6], contexts=MAIN.contexts[:1], states=("none", "pain")
)
TRADER = run_of(
    played(design=LEAN, answers=15, slope=1.5, threshold=3.0, price=0.7), model="a/trader"
)
FLAT = run_of(played(design=LEAN, answers=15, weight_pain=0.0), model="b/<flat>", plan_runs=20)
LOST = run_of(played(design=LEAN, answers=15, unparsed_share=1.0), model="c/lost")
RAMBLER = run_of(played(design=LEAN, answers=15, unparsed_share=0.3), model="d/rambler")


def _page(runs: Sequence[RunLog]) -> str:
    rows = compare(runs, criteria=Criteria())
    known = [
        (run, replace(REGISTERED, exploratory=run is FLAT, reasons=("no commit",))) for run in runs
    ]
    return make_comparison(known, rows, criteria=Criteria())


@pytest.fixture(scope="module")
def page() -> str:
    return _page([TRADER, FLAT, LOST, RAMBLER])


def test_the_page_fetches_nothing_and_is_well_formed(page: str) -> None:
    reader = read_markup(page)
    assert reader.open == []
    assert all(each.startswith("#") for each in reader.fetched)
    assert "url(http" not in page
    assert "<script" not in page


def test_the_opening_sentence_stands_before_any_verdict(page: str) -> None:
    words = read_markup(page).words
    assert words.index(OPENING) < words.index("reacts to stated penalties")


def test_every_model_has_its_verdict_its_gates_and_its_plan(page: str) -> None:
    words = read_markup(page).words
    for part in (
        "a/trader reacts to stated penalties",
        "b/<flat> never",
        "c/lost not measurable: reading",
        "exploratory b/<flat>: no commit.",
        "incomplete b/<flat> stopped early: 15 of 20 planned answers a cell.",
        "T4 price",
        "3 tests of a dose-response",
        "2 plans, 3 logs",
    ):
        assert part in words
    # A model's name is text and never markup.
    assert "<flat>" not in page


def test_a_model_behind_a_gate_is_drawn_as_such_and_one_without_choices_is_not(page: str) -> None:
    assert page.count("<svg") == 2
    assert "d/rambler (a gate failed)" in page
    assert "a/trader (a gate failed)" not in page
    assert "c/lost (a gate failed)" not in page


def test_models_without_any_choice_have_no_figures() -> None:
    assert "<svg" not in _page([LOST, replace(LOST, model="e/lost-too")])
