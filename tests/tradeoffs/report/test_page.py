import re
from dataclasses import replace
from pathlib import Path

import pytest

from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.replica import replica_cells
from regard.tradeoffs.report.page import OPENING, make_page, write_page
from tests.tradeoffs.report.markup import read_markup
from tests.tradeoffs.report.runs import REGISTERED, run_of
from tests.tradeoffs.tables import played

TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7, "wording_sd": 0.3}
SMALL = DesignConfig(side_blocks=("scale",))
LEAN = DesignConfig(
    wordings=SMALL.wordings[:6],
    contexts=SMALL.contexts[:1],
    states=("none", "pain", "nonsense"),
    side_blocks=(),
)


@pytest.fixture(scope="module")
def page() -> str:
    cells = played(design=SMALL, answers=5, **TRADER)
    return make_page(run_of(cells), REGISTERED, bundle="site/index.html")


def test_the_page_fetches_nothing(page: str) -> None:
    reader = read_markup(page)
    assert reader.open == []
    # Markers of a figure refer to the page itself.
    assert all(each.startswith("#") for each in reader.fetched)
    assert "url(http" not in page
    assert "<script" not in page


def test_the_opening_sentence_stands_before_the_verdict(page: str) -> None:
    text = read_markup(page).words
    assert text.index(OPENING) < text.index("trade-off")


def test_everything_that_a_reader_needs_is_there(page: str) -> None:
    text = read_markup(page).words
    for part in (
        "2 plans, 3 logs",
        "the plan's commit precedes the first answer",
        "4 cut off twice",
        "T6 reading",
        "Price ladder",
        "intensity x wording",
        "P(most points), no state",
        "declined",
        "One reading only",
        "bootstrap-t",
        "Digest of all texts",
    ):
        assert part in text
    assert 'href="site/index.html"' in page
    assert page.count("<svg") == 2 * 4 - 1  # A state that nobody reacts to has no price.


def test_figures_do_not_share_their_ids(page: str) -> None:
    ids = re.findall(r'<clipPath id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 0


def test_every_state_and_context_has_its_prompts(page: str) -> None:
    assert page.count("<pre>") == len(
        re.findall(r"<code>[\w-]+\.(?:none|numeric|verbal|shuffled)\.", page)
    )
    for state in ("denied", "boredom", "ask-intensity", "dominated"):
        assert f"<summary>{state} (" in page


@pytest.fixture(scope="module")
def troubled_page() -> str:
    """Two readings, many declined answers, and a plan that came too late."""
    cells = played(
        design=LEAN,
        answers=15,
        readings=("text", "logprob"),
        **TRADER,
        refuse_above=5.0,
        refuse_share=0.5,
        unparsed_share=0.02,
    )
    registration = replace(REGISTERED, exploratory=True, reasons=("no commit",))
    run = run_of(cells.assign(label_mass=0.5), plan_runs=50)
    return make_page(run, registration)


def test_an_exploratory_run_is_marked_with_its_reasons(troubled_page: str) -> None:
    assert '<span class="mark">exploratory</span> no commit.' in troubled_page
    assert "yes: the plan" not in troubled_page


def test_a_run_that_stopped_early_is_marked(troubled_page: str, page: str) -> None:
    mark = '<span class="mark">incomplete</span> The run stopped early: 15 of 50 planned answers'
    assert mark in troubled_page
    assert "stopped early" not in page


def test_a_failed_gate_is_named_on_top(troubled_page: str) -> None:
    assert '<div class="word">not measurable: ' in troubled_page
    assert '<dd class="no">' in troubled_page


def test_two_readings_are_set_side_by_side(troubled_page: str) -> None:
    text = "".join(read_markup(troubled_page).text)
    assert "mean difference" in text
    assert "One reading only" not in text


def test_the_replica_is_called_a_reconstruction_and_shows_its_gates() -> None:
    cells = played(design=DesignConfig(wordings=("plain",), contexts=("bare",), gaps=(1,)))
    keys = [vars(cell) for cell in replica_cells()]
    rows = cells.iloc[: len(keys)].reset_index(drop=True).copy()
    for name in keys[0]:
        rows[name] = [key[name] for key in keys]
    page = make_page(run_of(rows, task="replica"), REGISTERED)
    assert "reconstruction" in page
    assert page.count('<div class="word">not measurable: ') == 4
    assert page.count("<pre>") == 37


def test_a_run_without_a_target_is_refused() -> None:
    cells = played(design=DesignConfig(states=("none", "fear"), side_blocks=()))
    with pytest.raises(TradeoffsError, match="neither pain nor pleasure"):
        make_page(run_of(cells), REGISTERED)


def test_a_page_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TradeoffsError, match="cannot write"):
        write_page("", tmp_path / "file" / "report.html")
