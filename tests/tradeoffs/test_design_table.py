"""What is published about the fraction is what the cells give."""

import json
from importlib.resources import files

from regard.tradeoffs.design import FULL, Cell, design_cells
from regard.tradeoffs.design_table import block_of, design_table, interactions


def _cell(order: str, context: str, gap: float = 1) -> Cell:
    return Cell(
        state="pain",
        scale="numeric",
        intensity=2,
        gap=gap,
        order=order,
        labels="K/R",
        wording="plain",
        context=context,
    )


def test_a_whole_cross_has_its_interaction() -> None:
    cells = [_cell(order, context) for order in ("a", "b") for context in ("c", "d", "e")]
    assert interactions(cells) == {"order x context": "whole"}


def test_an_interaction_confounded_with_a_main_effect_is_none() -> None:
    # gap is order times context: with it in the model, their interaction is not free.
    cells = [
        _cell(order, context, gap=1 + ((order == "b") ^ (context == "d")))
        for order in ("a", "b")
        for context in ("c", "d")
    ]
    assert interactions(cells)["order x context"] == "none"


def test_a_half_that_leaves_levels_out_is_part() -> None:
    cells = [
        _cell(order, context)
        for order in ("a", "b", "c")
        for context in ("c", "d", "e")
        if (order, context) != ("c", "e")
    ]
    assert interactions(cells)["order x context"] == "part: 3 of 4"


def test_the_published_table_is_current() -> None:
    text = files("regard.tradeoffs").joinpath("design_table.json").read_text(encoding="utf-8")
    assert json.loads(text) == design_table(design_cells(FULL))


def test_the_main_block_estimates_every_interaction_of_the_criteria() -> None:
    main = [cell for cell in design_cells(FULL) if block_of(cell) == "main"]
    found = interactions(main)
    for pair in ("intensity x gap", "order x label_of_first", "state x intensity"):
        first, second = pair.split(" x ")
        assert found.get(pair, found.get(f"{second} x {first}")) == "whole"
