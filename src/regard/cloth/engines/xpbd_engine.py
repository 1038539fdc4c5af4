"""The second engine: masses and springs under XPBD, quick enough to plan with."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from regard.cloth import mesh
from regard.cloth.engines.contract import CONTROL_PERIOD, ClothProperties, EngineState, Hold
from regard.cloth.engines.mujoco_engine import MAX_EXTENT, RADIUS
from regard.cloth.engines.xpbd_kernel import simulate
from regard.cloth.mesh import Array, IntArray

RESOLUTION = 13
"""Vertices along one edge."""
TIMESTEP = 0.0025
"""Of the simulation [s]."""
GAP_PER_SPACING = 0.9
"""Distance that layers keep, in grid spacings. Spheres of less than 0.45 spacings radius let the
vertices of one layer sink between those of the other."""
SHEAR_SHARE = 1 / 2.4
"""Shear modulus in Young's moduli at Poisson's ratio 0.2."""
_SECONDS_PER_SEARCH = 0.02


class Springs(NamedTuple):
    """The constraints of a grid, in units of its spacing."""

    pairs: IntArray
    """Vertices at the ends of each spring, shape (s, 2)."""

    lengths: Array
    """Rest lengths, in spacings, shape (s,)."""

    stiffness_shares: Array
    """Stiffness in units of Young's modulus times thickness, shape (s,)."""

    bends: IntArray
    """Three vertices in a row, shape (b, 3)."""

    distances: Array
    """Between all vertices of the flat cloth, in spacings, shape (n^2, n^2)."""


class XpbdEngine:
    """Cloth as masses on a grid with stretch, shear and bending springs.

    One sweep a step leaves the springs softer than asked for: each yields as if `dt^2 (w + w)`, w
    being the inverse mass of an end, were added to its compliance.
    """

    def __init__(
        self,
        resolution: int = RESOLUTION,
        timestep: float = TIMESTEP,
        gap_per_spacing: float = GAP_PER_SPACING,
    ) -> None:
        """Prepares an engine; `reset` gives it a cloth.

        Args:
            resolution: Vertices along one edge.
            timestep: Of the simulation [s]; a control period holds a whole number of them.
            gap_per_spacing: Distance that layers keep, in grid spacings.
        """
        self.resolution = resolution
        self._gap_per_spacing = gap_per_spacing
        self._num_steps = round(CONTROL_PERIOD / timestep)
        self._timestep = CONTROL_PERIOD / self._num_steps
        self._springs = springs_of(resolution)

    def reset(self, properties: ClothProperties, positions: Array) -> None:
        """Sets masses and stiffness for the cloth and lays it at the positions."""
        spacing = properties.size / (self.resolution - 1)
        stretch = properties.young * properties.thickness
        self._properties = properties
        self._inverse_mass = self.resolution**2 / properties.mass
        self._rest_lengths = self._springs.lengths * spacing
        self._compliances = 1 / (stretch * self._springs.stiffness_shares)
        self._bend_compliance = spacing**2 / properties.bending_rigidity
        self._layer_gap = self._gap_per_spacing * spacing
        self._rest_gap = self._springs.distances * spacing
        self._positions = np.array(positions, dtype=np.float64)
        self._velocities = np.zeros_like(self._positions)
        self._diverged = False

    @property
    def positions(self) -> Array:
        """Vertex positions [m], shape (vertices, 3); a copy."""
        return self._positions.copy()

    def advance(self, hold: Hold | None = None) -> None:
        """Simulates one control period, the held vertex led in a straight line."""
        simulate(
            self._positions,
            self._velocities,
            self._inverse_mass,
            self._springs.pairs,
            self._rest_lengths,
            self._compliances,
            self._springs.bends,
            self._bend_compliance,
            RADIUS,
            self._layer_gap,
            self._rest_gap,
            self._properties.friction,
            -1 if hold is None else hold.vertex,
            np.zeros(3) if hold is None else hold.target,
            self._timestep,
            self._num_steps,
            round(_SECONDS_PER_SEARCH / self._timestep),
        )
        if not np.abs(self._positions).max() < MAX_EXTENT:
            self._diverged = True

    @property
    def diverged(self) -> bool:
        """Whether a vertex has left the scene or become NaN since the reset."""
        return self._diverged

    def state(self) -> EngineState:
        """The present state; positions and velocities are all of it."""
        return EngineState(self.positions, self._velocities.copy(), np.empty(0))

    def restore(self, state: EngineState) -> None:
        """Goes back to a state of the same cloth."""
        self._positions[:] = state.positions
        self._velocities[:] = state.velocities
        self._diverged = False


@cache
def springs_of(resolution: int) -> Springs:
    """Stretch along the grid, shear across its cells, bending over two spacings."""
    number = np.arange(resolution**2).reshape(resolution, resolution)
    stretch = [(number[:-1], number[1:]), (number[:, :-1], number[:, 1:])]
    shear = [(number[:-1, :-1], number[1:, 1:]), (number[1:, :-1], number[:-1, 1:])]
    pairs = [np.stack(each, axis=-1).reshape(-1, 2) for each in stretch + shear]
    num_stretch = len(pairs[0]) + len(pairs[1])
    num_shear = len(pairs[2]) + len(pairs[3])
    rows = np.stack([number[:-2], number[1:-1], number[2:]], axis=-1).reshape(-1, 3)
    columns = np.stack([number[:, :-2], number[:, 1:-1], number[:, 2:]], axis=-1).reshape(-1, 3)
    place = mesh.material_coordinates(resolution) * (resolution - 1)
    return Springs(
        pairs=np.concatenate(pairs),
        lengths=np.repeat([1.0, 2**0.5], [num_stretch, num_shear]),
        stiffness_shares=np.repeat([1.0, SHEAR_SHARE], [num_stretch, num_shear]),
        bends=np.concatenate([rows, columns]),
        distances=np.linalg.norm(place[:, None] - place[None, :], axis=-1),
    )
