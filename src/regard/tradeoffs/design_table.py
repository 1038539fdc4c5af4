"""What the design's fraction can tell apart: which interactions of two factors are estimable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from regard.tradeoffs.design import Cell
from regard.tradeoffs.states import QUESTIONS, STATES

FACTORS = (
    "state",
    "scale",
    "intensity",
    "gap",
    "order",
    "wording",
    "context",
    "addressee",
    "clause",
    "label_of_first",
)
"""`label_of_first` is the label of what is listed first: pair and direction in one."""

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def design_table(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Each block with its factors, and for each pair of them what can be estimated.

    A pair is `whole` where all of its interaction is free of the main effects, `part` where some
    degrees of freedom are lost to the fraction, and `none` where all are. The state `none` has no
    intensity, scale or clause and stands beside the others, so that it enters no interaction of
    those.
    """
    blocks: dict[str, list[Cell]] = {}
    for cell in cells:
        blocks.setdefault(block_of(cell), []).append(cell)
    return [
        {
            "block": name,
            "cells": len(members),
            "factors": {factor: len(levels) for factor, levels in _levels(members).items()},
            "interactions": interactions(members),
        }
        for name, members in blocks.items()
    ]


def block_of(cell: Cell) -> str:
    """Which block a cell is of: `main`, `baseline`, a side block, or `questions`."""
    if cell.state in QUESTIONS:
        return "questions"
    if cell.state == "none":
        return "baseline"
    if cell.scale != "numeric":
        return f"scale: {cell.scale}"
    if cell.addressee != "model":
        return "addressee"
    if cell.clause != STATES[cell.state].clause:
        return "clause"
    return "main"


def interactions(cells: Sequence[Cell]) -> dict[str, str]:
    """For each pair of factors that vary: `whole`, `part: k of m`, or `none`."""
    levels = _levels(cells)
    varying = [factor for factor, found in levels.items() if len(found) > 1]
    columns = {factor: _dummies(cells, factor, levels[factor]) for factor in varying}
    mains = np.hstack([np.ones((len(cells), 1)), *columns.values()])
    basis = _basis(mains)
    found = {}
    for first, second in combinations(varying, 2):
        product = np.einsum("ni,nj->nij", columns[first], columns[second])
        free = _rank_beyond(basis, product.reshape(len(cells), -1))
        full = columns[first].shape[1] * columns[second].shape[1]
        verdict = "whole" if free == full else f"part: {free} of {full}" if free else "none"
        found[f"{first} x {second}"] = verdict
    return found


def _levels(cells: Sequence[Cell]) -> dict[str, list[Any]]:
    return {factor: sorted({_value(cell, factor) for cell in cells}) for factor in FACTORS}


def _value(cell: Cell, factor: str) -> Any:
    return cell.labels.split("/")[0] if factor == "label_of_first" else getattr(cell, factor)


def _dummies(cells: Sequence[Cell], factor: str, levels: Sequence[Any]) -> Matrix:
    """One column a level but the first: (cells, levels - 1)."""
    values = [_value(cell, factor) for cell in cells]
    return np.array([[float(value == level) for level in levels[1:]] for value in values])


def _basis(matrix: Matrix) -> Matrix:
    """An orthonormal basis of the columns."""
    left, sizes, _ = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(left[:, sizes > sizes[0] * 1e-10])


def _rank_beyond(basis: Matrix, columns: Matrix) -> int:
    """Rank of the columns once all that the basis explains is taken away."""
    rest = columns - basis @ (basis.T @ columns)
    # Of the small Gram matrix: the cells are many, the columns are few.
    sizes = np.linalg.eigvalsh(rest.T @ rest)
    return int(np.sum(sizes > 1e-8 * len(columns)))
