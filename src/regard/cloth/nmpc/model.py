"""The cloth as the planner believes it to be: masses and springs, coarser than the plant.

The model never sees the plant. It is begun from one observation, follows what the gripper is seen
to do, and is drawn towards each new observation (a Luenberger observer).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from regard.cloth import mesh
from regard.cloth.engines.contract import ClothProperties, EngineState, Hold
from regard.cloth.engines.mujoco_engine import RADIUS
from regard.cloth.engines.xpbd_engine import XpbdEngine
from regard.cloth.envs.actions import GRASP_GRID, MAX_STEP
from regard.cloth.envs.observation import OBSERVED_GRID, Seen
from regard.cloth.gripper import Gripper
from regard.cloth.mesh import Array
from regard.cloth.policies.pick import SETTLE_STEPS, Pick


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What the planner takes for granted about every cloth."""

    resolution: int = 13
    """Vertices along one edge; 1 more than a multiple of 4."""

    timestep: float = 0.005
    """Of the simulation [s]."""

    gap_per_spacing: float = 0.45
    """Distance that layers keep, in grid spacings."""

    properties: ClothProperties = ClothProperties(young=2e4, friction=0.45)
    """Material and friction; the size is the observed one. Step, gap, stiffness and friction were
    chosen so that picks in the main engine, of cloths from the training ranges, end alike; the
    friction on the low side, so that no plan counts on the table to hold the cloth."""

    trust: float = 0.3
    """Share of its distance from each observation that the model is drawn towards it."""


class PredictionModel:
    """Masses and springs that follow the cloth, and that run ahead of it on demand."""

    def __init__(self, config: ModelConfig = ModelConfig()) -> None:  # noqa: B008
        self._config = config
        self._engine = XpbdEngine(config.resolution, config.timestep, config.gap_per_spacing)
        self._seen_vertices = mesh.subgrid(config.resolution, OBSERVED_GRID)
        self._grasp_vertices = mesh.subgrid(config.resolution, GRASP_GRID)

    def begin(self, seen: Seen) -> None:
        """Takes the first observation as it is."""
        self.begin_at(seen.points, seen.size)

    def begin_at(self, points: Array, size: float) -> None:
        """Takes these points of a cloth, at rest.

        Args:
            points: A square grid in edges of the cloth, shape (n^2, 3) for any n.
            size: Edge of the cloth [m].
        """
        self.size = size
        self.max_step = MAX_STEP / size
        positions = mesh.resample(points * size, self._config.resolution)
        positions[:, 2] = np.maximum(positions[:, 2], RADIUS)
        self._engine.reset(replace(self._config.properties, size=size), positions)
        self.start = positions / size

    def follow(self, seen: Seen) -> None:
        """Goes on by one control step, in which the gripper came to where it is seen now."""
        hold = None
        if seen.is_holding:
            vertex = int(self._grasp_vertices[seen.held.argmax()])
            hold = Hold(vertex, seen.gripper * self.size)
        self._engine.advance(hold)
        state = self._engine.state()
        error = seen.points * self.size - state.positions[self._seen_vertices]
        correction = mesh.resample(error, self._config.resolution) * self._config.trust
        positions = state.positions + correction
        positions[:, 2] = np.maximum(positions[:, 2], RADIUS)
        self._engine.restore(EngineState(positions, state.velocities, state.hidden))

    @property
    def positions(self) -> Array:
        """Vertices in edges of the cloth, shape (vertices, 3)."""
        return self._engine.positions / self.size

    @property
    def points(self) -> Array:
        """The observed points as the model has them, in edges of the cloth: (NUM_POINTS, 3)."""
        return self.positions[self._seen_vertices]

    @property
    def has_diverged(self) -> bool:
        """Whether a prediction has become meaningless."""
        return self._engine.diverged

    def state(self) -> EngineState:
        """To go back to after a prediction."""
        return self._engine.state()

    def restore(self, state: EngineState) -> None:
        """Goes back."""
        self._engine.restore(state)

    def predict_pick(self, pick: Pick) -> Array:
        """Runs ahead through a whole pick.

        Returns:
            The gripper's path in edges of the cloth, shape (steps, 3).
        """
        positions = self._engine.positions
        gripper = Gripper()
        gripper.grasp(positions, positions[self._grasp_vertices[pick.grasp], :2], fails=False)
        path = pick.path(gripper.position / self.size, self.max_step)
        # What lies out of reach is not caught: the cloth stays as it is.
        if gripper.vertex is not None:
            self._lead(gripper.vertex, path, gripper.offset)
        return path

    def predict_path(self, grasp: int, path: Array) -> None:
        """Runs ahead through the rest of a pick, path (steps, 3) in edges of the cloth."""
        self._lead(int(self._grasp_vertices[grasp]), path, np.zeros(3))

    def _lead(self, vertex: int, path: Array, offset: Array) -> None:
        for place in path:
            self._engine.advance(Hold(vertex, place * self.size + offset))
        for _ in range(SETTLE_STEPS):
            self._engine.advance()
