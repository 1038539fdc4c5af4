"""What the six numbers of an action mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regard.cloth.mesh import Array

GRASP_GRID = 3
"""The cloth may be grasped at this many times this many points, spread evenly."""
NUM_GRASPS = GRASP_GRID**2
"""Points at which the cloth may be grasped."""
MAX_STEP = 0.03
"""Farthest the gripper moves along an axis in one control step [m]."""
ACTION_SIZE = 6
"""Numbers in an action."""


class Command(NamedTuple):
    """An action, read."""

    displacement: Array
    """Movement of the gripper in the cloth's frame [m], shape (3,)."""

    holds: bool
    """Whether the gripper is to be closed."""

    grasp: int
    """The point to pick, row by row, if the gripper is empty and is to be closed."""


def read_action(action: ArrayLike) -> Command:
    """What an action of numbers from -1 to 1 asks for; larger ones are clipped."""
    values = np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)
    row, column = np.rint((values[4:6] + 1) / 2 * (GRASP_GRID - 1)).astype(int)
    return Command(values[:3] * MAX_STEP, bool(values[3] > 0), int(row * GRASP_GRID + column))


def action_of(command: Command) -> NDArray[np.float32]:
    """The action that asks for this: the inverse of `read_action`."""
    place = np.array(divmod(command.grasp, GRASP_GRID)) / (GRASP_GRID - 1) * 2 - 1
    closed = 1.0 if command.holds else -1.0
    action = np.concatenate([command.displacement / MAX_STEP, [closed], place])
    return action.astype(np.float32)


def grasp_coordinates() -> Array:
    """Material coordinates of the points that may be grasped, from 0 to 1: (NUM_GRASPS, 2)."""
    line = np.linspace(0.0, 1.0, GRASP_GRID)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


NO_ACTION = action_of(Command(np.zeros(3), False, NUM_GRASPS // 2))
"""Keeps still with the gripper open."""
