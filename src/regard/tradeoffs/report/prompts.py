"""The prompts of a run, as they were sent."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.cells import KEYS
from regard.tradeoffs.design import Cell
from regard.tradeoffs.prompts.render import render
from regard.tradeoffs.replica import render_replica

# Cells alike in these differ in a number, a word of the scale or the order of two lines.
SHOWN_ONCE = ["state", "scale", "wording", "context", "addressee", "clause"]


@dataclass(frozen=True)
class Prompt:
    """One prompt and the cell that it is of."""

    cell_id: str
    state: str
    text: str


def prompts_of(keys: pd.DataFrame, task: str) -> list[Prompt]:
    """One prompt of each text; in the replica all of them."""
    ask = render_replica if task == "replica" else render
    shown = keys if task == "replica" else _one_of_each(keys)
    cells = [Cell(**row) for row in shown[list(KEYS)].to_dict("records")]
    return [Prompt(cell.cell_id, cell.state, ask(cell)) for cell in cells]


def _one_of_each(keys: pd.DataFrame) -> pd.DataFrame:
    """The cell of the highest level, and of the middle gap, of each text."""
    middle = keys["gap"].sort_values().iloc[len(keys) // 2]
    ranked = keys.assign(far=(keys["gap"] - middle).abs())
    ranked = ranked.sort_values(["intensity", "far"], ascending=[False, True], kind="stable")
    return ranked.drop_duplicates(SHOWN_ONCE).sort_index()
