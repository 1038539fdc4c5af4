"""The frame in which a policy sees and acts: that of the cloth at the start, in its own size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.cloth import mesh
from regard.cloth.mesh import Array


@dataclass(frozen=True)
class Frame:
    """A place on the table, a turn about the vertical, a unit of length."""

    origin: Array
    """On the table [m], shape (3,)."""

    yaw: float
    """Turn about the vertical [rad]."""

    unit: float
    """Metres of one unit: the edge of the cloth."""

    def to_table(self, points: Array) -> Array:
        """Points of this frame in table coordinates [m], shape (..., 3)."""
        table: Array = self.turned(points) * self.unit + self.origin
        return table

    def from_table(self, points: Array) -> Array:
        """Points of the table [m] in this frame, shape (..., 3)."""
        local: Array = (points - self.origin) @ self._rotation / self.unit
        return local

    def turned(self, vectors: Array) -> Array:
        """Vectors of this frame along the table's axes, without the unit, shape (..., 3)."""
        turned: Array = vectors @ self._rotation.T
        return turned

    @property
    def _rotation(self) -> Array:
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def fitted_frame(positions: Array, size: float) -> Frame:
    """The frame in which the flat cloth lies closest to the positions (Procrustes, in the plane).

    Args:
        positions: Vertices [m], shape (n^2, 3).
        size: Edge of the flat cloth [m].
    """
    flat = mesh.flat_positions(round(len(positions) ** 0.5), size)[:, :2]
    centre = positions[:, :2].mean(axis=0)
    moment = flat.T @ (positions[:, :2] - centre)
    yaw = np.arctan2(moment[0, 1] - moment[1, 0], moment[0, 0] + moment[1, 1])
    return Frame(np.array([*centre, 0.0]), float(yaw), size)
