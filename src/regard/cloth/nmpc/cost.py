"""What the planner wants, in numbers; all lengths in edges of the cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.cloth import metrics
from regard.cloth.mesh import Array
from regard.cloth.metrics import Fold
from regard.cloth.tasks import FoldTask, Task


@dataclass(frozen=True, kw_only=True)
class CostWeights:
    """Weights of the terms beside the distance between the folded halves."""

    base_drift: float = 3.0
    """Of the mean drift of the half that should stay."""

    corner: float = 0.5
    """Of the largest distance between two corners that belong together."""

    effort: float = 0.02
    """Of the sum of the gripper's squared steps."""

    smoothness: float = 0.1
    """Of the sum of the squared differences between successive steps."""


def outcome_cost(task: Task, positions: Array, start: Array, weights: CostWeights) -> float:
    """How far the cloth is from what the task asks.

    Args:
        task: The task.
        positions: Vertices now, shape (n^2, 3).
        start: Vertices at the start of the episode, same shape.
        weights: Of the terms.
    """
    if not isinstance(task, FoldTask):
        return 1.0 - metrics.coverage(positions, 1.0)
    return fold_cost(task.fold, positions, start, weights)


def fold_cost(fold: Fold, positions: Array, start: Array, weights: CostWeights) -> float:
    """Fold distance, base drift and corner distance, weighted."""
    found = metrics.fold_figures(fold, positions, start)
    return (
        found.fold_distance
        + weights.base_drift * found.base_drift
        + weights.corner * found.corner_distance
    )


def motion_cost(path: Array, weights: CostWeights) -> float:
    """Effort and roughness of a path (steps, 3)."""
    steps = np.diff(path, axis=0)
    effort = float((steps**2).sum())
    roughness = float((np.diff(steps, axis=0) ** 2).sum())
    return weights.effort * effort + weights.smoothness * roughness
