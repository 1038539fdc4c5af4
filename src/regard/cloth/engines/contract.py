"""What a cloth engine can do, whichever physics is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from regard.cloth.mesh import Array

CONTROL_PERIOD = 0.1
"""Seconds between two actions."""


@dataclass(frozen=True, kw_only=True)
class ClothProperties:
    """One square cloth and the table it lies on."""

    size: float = 0.3
    """Length of an edge [m]."""

    areal_density: float = 0.45
    """Mass for each area [kg/m^2]."""

    young: float = 5e4
    """Young's modulus [Pa]."""

    thickness: float = 2e-3
    """Thickness that sets the stiffness together with `young` [m]."""

    friction: float = 0.8
    """Coulomb coefficient, on the table and between layers."""

    @property
    def mass(self) -> float:
        """Mass of the cloth [kg]."""
        return self.areal_density * self.size**2

    @property
    def bending_rigidity(self) -> float:
        """Resistance to bending of a plate without lateral contraction, E t^3 / 12 [N m]."""
        return self.young * self.thickness**3 / 12


@dataclass(frozen=True)
class EngineState:
    """Everything that decides how the simulation goes on."""

    positions: Array
    """Vertices [m], shape (vertices, 3)."""

    velocities: Array
    """Of the vertices [m/s], shape (vertices, 3)."""

    hidden: Array
    """What else the engine carries from step to step; empty where nothing."""


class Hold(NamedTuple):
    """A vertex that the gripper leads."""

    vertex: int
    """Its number."""

    target: Array
    """Where it is led, in a straight line, by the end of the control period [m], shape (3,)."""


class ClothEngine(Protocol):
    """A cloth on a table, one vertex of which may be held."""

    resolution: int
    """Vertices along one edge."""

    def reset(self, properties: ClothProperties, positions: Array) -> None:
        """Begins with this cloth at these vertex positions (vertices, 3), at rest."""

    @property
    def positions(self) -> Array:
        """Vertex positions [m], shape (vertices, 3); a copy."""

    def advance(self, hold: Hold | None = None) -> None:
        """Simulates one control period; None when the gripper is empty."""

    @property
    def diverged(self) -> bool:
        """Whether the simulation has become meaningless since the reset."""

    def state(self) -> EngineState:
        """The present state, to go back to."""

    def restore(self, state: EngineState) -> None:
        """Goes back to a state of the same cloth."""
