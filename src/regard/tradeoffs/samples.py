"""Cells become the samples of an Inspect task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser

from regard.tradeoffs.design import Cell
from regard.tradeoffs.prompts.render import render, right_label
from regard.tradeoffs.replica import BEST_LABEL, DOMINATED_LABEL, WORDING, render_replica

FACTORS: tuple[str, ...] = tuple(each.name for each in fields(Cell))


def samples_of(cells: Sequence[Cell]) -> list[Sample]:
    """One sample a cell: a stable id, and every factor in the metadata."""
    return [_sample(cell) for cell in cells]


def _sample(cell: Cell) -> Sample:
    is_replica = cell.wording == WORDING
    metadata: dict[str, Any] = {name: getattr(cell, name) for name in FACTORS}
    metadata["dominated_label"] = DOMINATED_LABEL if is_replica else ""
    # A simulated player finds its cell by the message's metadata, which no provider sends.
    prompt = render_replica(cell) if is_replica else render(cell)
    message = ChatMessageUser(content=prompt, metadata={"cell": cell.cell_id})
    return Sample(
        id=cell.cell_id,
        input=[message],
        target=BEST_LABEL if is_replica else right_label(cell),
        metadata=metadata,
    )
