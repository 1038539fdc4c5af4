"""What every policy can do, learned or not."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.observation import Observation


class Policy(Protocol):
    """Chooses actions."""

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Gets ready for an episode that has just been reset.

        Args:
            env: The environment. Only the oracle may look inside; others read the task alone.
            seed: Of the policy's own chance in this episode.
        """

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next action, shape (ACTION_SIZE,)."""
