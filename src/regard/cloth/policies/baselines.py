"""Policies that a task must not be given away to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.cloth.envs.actions import ACTION_SIZE, NO_ACTION
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.observation import Observation


class DoNothingPolicy:
    """Never closes the gripper."""

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Needs nothing."""

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """Keeps still."""
        return NO_ACTION.copy()


class RandomPolicy:
    """Draws every number of an action evenly from its bounds."""

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Takes a fresh source of chance."""
        self._rng = np.random.default_rng(seed)

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """Any action."""
        return self._rng.uniform(-1.0, 1.0, ACTION_SIZE).astype(np.float32)
