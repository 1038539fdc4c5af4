"""The source's own game as reconstructed: 37 prompts, three options, digits, a gap of one point."""

from __future__ import annotations

from regard.tradeoffs.design import Cell
from regard.tradeoffs.prompts.catalogue import texts
from regard.tradeoffs.prompts.render import verbal_steps
from regard.tradeoffs.states import TARGETS, VERBAL_STEPS

WORDING = "replica"
LABELS = "1/2/3"
BEST_LABEL = "3"
DOMINATED_LABEL = "1"
NUMERIC_LEVELS = 10
RUNS = 50


def replica_cells() -> tuple[Cell, ...]:
    """None, and pain and pleasure on ten numeric and eight verbal steps each: 37 cells."""
    cells = [_cell("none", "none", 0)]
    for state in TARGETS:
        cells += [_cell(state, "numeric", level) for level in range(1, NUMERIC_LEVELS + 1)]
        cells += [_cell(state, "verbal", step) for step in range(1, VERBAL_STEPS + 1)]
    return tuple(cells)


def render_replica(cell: Cell) -> str:
    """The prompt of a cell of the replica."""
    content = texts("replica")
    middle = ""
    if cell.state != "none":
        template = content[cell.scale][cell.state]
        if cell.scale == "numeric":
            middle = template.format(level=f"{cell.intensity:g}")
        else:
            word = verbal_steps(cell.state, "verbal")[int(cell.intensity) - 1]
            middle = template.format(word=word)
    parts = [content["opening"], middle, content["end"]["closing"]]
    return " ".join(part for part in parts if part)


def _cell(state: str, scale: str, intensity: int) -> Cell:
    clauses = {"none": "none", "pain": "best-after", "pleasure": "second-after"}
    return Cell(
        state=state,
        scale=scale,
        intensity=float(intensity),
        gap=1.0,
        order="max-second",
        labels=LABELS,
        wording=WORDING,
        context="bare",
        clause=clauses[state],
    )
