"""The main engine: a MuJoCo flex cloth, held through a body that follows the gripper."""

from __future__ import annotations

from importlib import resources
from string import Template

import mujoco
import numpy as np

from regard.cloth import mesh
from regard.cloth.engines.contract import CONTROL_PERIOD, ClothProperties, EngineState, Hold
from regard.cloth.mesh import Array

RADIUS = 0.003
"""Collision radius of the cloth [m]: two layers are at least twice that apart."""
RESOLUTION = 9
"""Vertices along one edge."""
TIMESTEP = 0.02
"""Of the simulation [s]."""
MAX_EXTENT = 2.0
"""A vertex farther than this from the origin [m] means that the simulation has exploded."""
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class MujocoEngine:
    """Cloth as a triangulated continuum with stretch, bending, friction and self-collision."""

    def __init__(self, resolution: int = RESOLUTION, timestep: float = TIMESTEP) -> None:
        """Prepares an engine; `reset` gives it a cloth.

        Args:
            resolution: Vertices along one edge.
            timestep: Of the simulation [s]; a control period holds a whole number of them.
        """
        self.resolution = resolution
        self._timestep = timestep
        self._substeps = round(CONTROL_PERIOD / timestep)

    def reset(self, properties: ClothProperties, positions: Array) -> None:
        """Compiles the cloth and lays it at the positions."""
        scene = scene_xml(properties, self.resolution, self._timestep)
        self.model = mujoco.MjModel.from_xml_string(scene)
        self.data = mujoco.MjData(self.model)
        self.model.eq_data[:] = 0  # Both anchors at the bodies' origins: the vertex is led exactly.
        self._first_body = int(self.model.flex_vertbodyid[0])
        self._rest = mesh.flat_positions(self.resolution, properties.size, height=RADIUS)
        self.data.qpos[:] = (positions - self._rest).ravel()
        self._diverged = False
        mujoco.mj_forward(self.model, self.data)

    @property
    def positions(self) -> Array:
        """Vertex positions [m], shape (vertices, 3); a copy."""
        positions: Array = self._rest + self.data.qpos.reshape(-1, 3)
        return positions

    @property
    def velocities(self) -> Array:
        """Vertex velocities [m/s], shape (vertices, 3); a copy."""
        velocities: Array = self.data.qvel.reshape(-1, 3).copy()
        return velocities

    def advance(self, hold: Hold | None = None) -> None:
        """Simulates one control period, the held vertex led in a straight line."""
        self.data.eq_active[0] = hold is not None
        if hold is not None:
            self.model.eq_obj1id[0] = self._first_body + hold.vertex
            start = self.positions[hold.vertex]
        for step in range(1, self._substeps + 1):
            if hold is not None:
                share = step / self._substeps
                self.data.mocap_pos[0] = start + (hold.target - start) * share
            mujoco.mj_step(self.model, self.data)
        if not np.abs(self.data.qpos).max() < MAX_EXTENT:
            self._diverged = True

    @property
    def diverged(self) -> bool:
        """Whether a vertex has left the scene or become NaN since the reset."""
        return self._diverged

    def state(self) -> EngineState:
        """The present state; `hidden` is MuJoCo's own, with the solver's warm start."""
        hidden = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, hidden, _STATE)
        return EngineState(self.positions, self.velocities, hidden)

    def restore(self, state: EngineState) -> None:
        """Goes back to a state of the same cloth."""
        mujoco.mj_setState(self.model, self.data, state.hidden, _STATE)
        self._diverged = False

    def energy(self) -> float:
        """Kinetic and gravitational energy [J], of the vertices as point masses."""
        mass = self.model.body_mass[self._first_body : self._first_body + self.resolution**2]
        kinetic = 0.5 * (mass * (self.velocities**2).sum(axis=1)).sum()
        return float(kinetic - self.model.opt.gravity[2] * (mass * self.positions[:, 2]).sum())


def scene_xml(properties: ClothProperties, resolution: int, timestep: float) -> str:
    """The scene of one cloth in MuJoCo's format."""
    template = resources.files(__package__).joinpath("cloth_scene.xml").read_text(encoding="utf-8")
    points = mesh.flat_positions(resolution, properties.size, height=RADIUS)
    return Template(template).substitute(
        timestep=timestep,
        friction=properties.friction,
        radius=RADIUS,
        mass=properties.mass,
        young=properties.young,
        thickness=properties.thickness,
        points=" ".join(f"{value:.9g}" for value in points.ravel()),
        elements=" ".join(map(str, mesh.triangles(resolution).ravel())),
    )
