"""What a policy sees, as one vector and by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.cloth import mesh
from regard.cloth.envs.actions import ACTION_SIZE, MAX_STEP, NUM_GRASPS
from regard.cloth.mesh import Array

Observation = NDArray[np.float32]

OBSERVED_GRID = 5
"""The cloth is seen at this many times this many of its points, spread evenly."""
NUM_POINTS = OBSERVED_GRID**2
"""Points of the cloth that are seen."""
REFERENCE_SIZE = 0.3
"""The cloth's size is seen in units of this [m]."""
BOUND = 10.0
"""Largest number in an observation."""
OBSERVATION_SIZE = 3 * NUM_POINTS + 3 + NUM_GRASPS + 1 + 1 + 1 + 1 + ACTION_SIZE
"""Numbers in an observation."""


class Seen(NamedTuple):
    """An observation, read. Lengths are in edges of the cloth, in the frame of its start."""

    points: Array
    """Seen points of the cloth, row by row, shape (NUM_POINTS, 3)."""

    gripper: Array
    """Finger tips, shape (3,)."""

    held: Array
    """One at the graspable point nearest to the held vertex, else zeros, shape (NUM_GRASPS,)."""

    is_holding: bool
    """Whether the gripper holds the cloth."""

    elapsed: float
    """Share of the horizon that is over."""

    rest: float
    """Share of the rest that ends an episode, since the gripper was last closed."""

    size: float
    """Edge of the cloth [m]."""

    last_action: Array
    """The action before, shape (ACTION_SIZE,)."""

    @property
    def max_step(self) -> float:
        """Farthest the gripper moves along an axis in one control step, in edges of the cloth."""
        return MAX_STEP / self.size


def pack(seen: Seen) -> Observation:
    """The vector, shape (OBSERVATION_SIZE,)."""
    scalars = [seen.is_holding, seen.elapsed, seen.rest, seen.size / REFERENCE_SIZE]
    parts = (seen.points.ravel(), seen.gripper, seen.held, scalars, seen.last_action)
    vector = np.clip(np.nan_to_num(np.concatenate(parts)), -BOUND, BOUND)
    observation: Observation = vector.astype(np.float32)
    return observation


def read(observation: Observation) -> Seen:
    """What is in the vector: the inverse of `pack`."""
    values = np.asarray(observation, dtype=np.float64)
    ends = np.cumsum([3 * NUM_POINTS, 3, NUM_GRASPS, 4])
    points, gripper, held, scalars, last_action = np.split(values, ends)
    return Seen(
        points=points.reshape(NUM_POINTS, 3),
        gripper=gripper,
        held=held,
        is_holding=bool(scalars[0] > 0.5),
        elapsed=float(scalars[1]),
        rest=float(scalars[2]),
        size=float(scalars[3] * REFERENCE_SIZE),
        last_action=last_action,
    )


def held_grasp(vertex: int | None, resolution: int) -> Array:
    """One at the graspable point nearest to the vertex in the flat cloth: (NUM_GRASPS,)."""
    one_hot = np.zeros(NUM_GRASPS)
    if vertex is not None:
        place = mesh.material_coordinates(resolution)
        candidates = place[mesh.subgrid(resolution, round(NUM_GRASPS**0.5))]
        one_hot[np.linalg.norm(candidates - place[vertex], axis=1).argmin()] = 1.0
    return one_hot
