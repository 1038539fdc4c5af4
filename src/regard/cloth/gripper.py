"""A gripper that picks the cloth at one point and moves it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from regard.cloth.engines.contract import Hold
from regard.cloth.engines.mujoco_engine import RADIUS
from regard.cloth.mesh import Array

GRASP_REACH = 0.02
"""Horizontal distance within which the closing fingers catch the cloth [m]."""
LAYER_HEIGHT = 3 * RADIUS
"""Vertices less than this below the highest are taken for the same layer [m]."""
HOME = (0.0, 0.0, 0.2)
"""Where an empty gripper waits at the start [m]."""
WORKSPACE_LOW = np.array([-0.45, -0.45, RADIUS])
"""Lowest coordinates the gripper reaches [m]."""
WORKSPACE_HIGH = np.array([0.45, 0.45, 0.35])
"""Highest coordinates the gripper reaches [m]."""


@dataclass
class Gripper:
    """Where the gripper is and what it holds."""

    position: Array = field(default_factory=lambda: np.array(HOME))
    """Of its finger tips [m], shape (3,)."""

    vertex: int | None = None
    """The vertex it holds."""

    offset: Array = field(default_factory=lambda: np.zeros(3))
    """From the finger tips to the held vertex [m], shape (3,)."""

    num_attempts: int = 0
    """Times it has closed."""

    num_failures: int = 0
    """Times it closed on nothing."""

    def grasp(self, positions: Array, place: Array, *, fails: bool) -> None:
        """Descends on a place and closes on the uppermost layer there; on nothing out of reach.

        Args:
            positions: Vertices of the cloth [m], shape (vertices, 3).
            place: Where to descend, x and y [m].
            fails: Whether the cloth slips away.
        """
        self.num_attempts += 1
        beside = np.linalg.norm(positions[:, :2] - place, axis=1)
        within = np.flatnonzero(beside <= max(GRASP_REACH, beside.min() + 1e-9))
        top = positions[within, 2].max()
        layer = within[positions[within, 2] >= top - LAYER_HEIGHT]
        vertex = int(layer[beside[layer].argmin()])
        reached = np.clip(place, WORKSPACE_LOW[:2], WORKSPACE_HIGH[:2])
        self.position = np.array([*reached, positions[vertex, 2]])
        if fails or (reached != place).any():
            self.num_failures += 1
            return
        self.vertex = vertex
        self.offset = positions[vertex] - self.position

    def move(self, displacement: Array) -> None:
        """Moves by (3,) metres, within reach."""
        self.position = np.clip(self.position + displacement, WORKSPACE_LOW, WORKSPACE_HIGH)

    def release(self) -> None:
        """Opens."""
        self.vertex = None

    @property
    def hold(self) -> Hold | None:
        """What it leads where; None when it holds nothing."""
        return None if self.vertex is None else Hold(self.vertex, self.position + self.offset)
