"""The cells are those that the design promises, and balanced."""

from collections import Counter

import pytest

from regard.tradeoffs.design import (
    FULL,
    LABEL_PAIRS,
    SHORT,
    DesignConfig,
    design_cells,
    labels_of,
)
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.prompts.catalogue import WORDINGS

CELLS = design_cells(FULL)


def test_the_main_block_is_the_whole_cross_of_its_factors() -> None:
    pain = [
        cell
        for cell in CELLS
        if (cell.state, cell.scale, cell.addressee, cell.clause)
        == ("pain", "numeric", "model", "best-after")
    ]
    assert len(pain) == 12 * 2 * 2 * 3 * 6
    levels = {(c.wording, c.order, c.context, c.gap, c.intensity) for c in pain}
    assert len(levels) == len(pain)


def test_no_state_is_asked_at_every_gap_order_wording_and_context() -> None:
    assert sum(cell.state == "none" for cell in CELLS) == 12 * 2 * 2 * 3


def test_ids_are_unique_and_do_not_change() -> None:
    assert len({cell.cell_id for cell in CELLS}) == len(CELLS)
    assert CELLS[0].cell_id == "none.none.0.gap1.max-first.K-R.plain.bare.model.none"


def test_the_short_design_is_part_of_the_full_one() -> None:
    short = design_cells(SHORT)
    assert set(short) <= set(CELLS)
    assert 250 <= len(short) <= 350


def test_every_label_pair_is_listed_in_both_directions_equally_often() -> None:
    counts = Counter(labels_of(wording) for wording in WORDINGS)
    assert set(counts.values()) == {2}
    assert {"/".join(reversed(pair.split("/"))) for pair in LABEL_PAIRS} == set(LABEL_PAIRS)


def test_labels_are_never_digits() -> None:
    assert not any(character.isdigit() for pair in LABEL_PAIRS for character in pair)


@pytest.mark.parametrize("factor", ["intensity", "wording", "labels", "addressee"])
def test_order_is_balanced_against_each_factor_of_the_addressee_block(factor: str) -> None:
    block = [cell for cell in CELLS if cell.addressee != "model"]
    counts = Counter((getattr(cell, factor), cell.order) for cell in block)
    firsts = {level: counts[level, "max-first"] for level, _ in counts}
    seconds = {level: counts[level, "max-second"] for level, _ in counts}
    assert firsts == seconds


def test_comprehension_is_not_answered_by_always_naming_the_most_points() -> None:
    clauses = Counter(cell.clause for cell in CELLS if cell.state == "ask-state")
    assert clauses["best-after"] == clauses["second-after"]


def test_a_level_outside_the_full_design_is_refused() -> None:
    with pytest.raises(TradeoffsError, match=r"gaps: 2 is not in the full design"):
        DesignConfig(gaps=(1, 2))
