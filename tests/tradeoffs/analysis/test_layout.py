import numpy as np
import pytest

from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.design import FULL
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import key_frame


@pytest.fixture(scope="module")
def layout() -> Layout:
    return Layout(key_frame(FULL))


def test_a_block_is_the_main_one_and_no_side_block(layout: Layout) -> None:
    keys = key_frame(FULL)
    block = layout.block("pleasure")
    part = keys.iloc[block.rows]
    assert set(part["clause"]) == {"second-after"}
    assert set(part["addressee"]) == {"model"}
    assert len(part) == 12 * 2 * 2 * 3 * 6
    assert [block.wordings[each] for each in block.wording] == list(part["wording"])
    assert np.exp(block.log_gap) == pytest.approx(part["gap"])


def test_side_blocks_are_found_by_their_names(layout: Layout) -> None:
    assert layout.block("pain", scale="verbal").levels.tolist() == list(range(1, 9))
    assert layout.block("pain", clause="best-before").clause == "best-before"
    assert layout.block("pain", addressee="user").addressee == "user"
    assert not layout.has("fear", scale="verbal")


def test_a_foreign_table_without_clauses_is_taken_as_it_is() -> None:
    keys = key_frame(FULL)
    keys = keys[(keys.state == "pleasure") & (keys.clause == "second-after")].assign(
        clause="best-after"
    )
    assert len(Layout(keys).block("pleasure").rows) == 12 * 2 * 2 * 3 * 6


def test_a_state_that_is_not_there_is_named(layout: Layout) -> None:
    with pytest.raises(TradeoffsError, match="'joy'"):
        layout.block("joy")


def test_the_baseline_is_split_by_order_and_label_set_in_either_direction(layout: Layout) -> None:
    groups = layout.baseline_groups
    assert {(order, labels) for order, labels, _ in groups} == {
        (order, labels)
        for order in ("max-first", "max-second")
        for labels in ("K/R", "M/T", "circle/square")
    }
    assert sum(len(rows) for _, _, rows in groups) == 144


def test_a_part_recodes_what_it_lacks(layout: Layout) -> None:
    block = layout.block("pain")
    part = block.part((block.wording > 3) & (block.order == 1))
    assert part.wordings == block.wordings[4:]
    assert part.orders == (block.orders[1],)
    assert part.wording.min() == 0
    assert part.wording.max() == len(part.wordings) - 1
