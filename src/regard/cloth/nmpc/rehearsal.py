"""What picks lead to, tried on the plant itself, from a copy of an episode."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.cloth import mesh
from regard.cloth.envs import observation as observing
from regard.cloth.envs.actions import NO_ACTION
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.episode import Snapshot
from regard.cloth.envs.observation import OBSERVED_GRID, Observation
from regard.cloth.mesh import Array
from regard.cloth.policies.pick import Pick, PickFollower

Actions = list[NDArray[np.float32]]


class Outcome(NamedTuple):
    """What a simulated plan led to."""

    actions: Actions
    """That were taken."""

    end: Snapshot
    """The episode after them."""

    observation: Observation
    """The last one."""

    cost: float
    """0 for a success; the lower, the nearer to one."""


class Rehearsal:
    """Carries picks out in an environment that is put back afterwards."""

    def __init__(self, env: ClothEnv) -> None:
        """Of that environment."""
        self.env = env
        self.num_rollouts = 0

    def begin(self, at: Snapshot) -> None:
        """Goes back to where a rollout begins."""
        self.env.restore(at)
        self.num_rollouts += 1

    def true_points(self) -> Array:
        """The observed points as they are, in the policy's frame: (NUM_POINTS, 3)."""
        engine = self.env.engine
        seen = mesh.subgrid(engine.resolution, OBSERVED_GRID)
        return self.env.episode.frame.from_table(engine.positions[seen])

    def carry_out(self, pick: Pick, observation: Observation, actions: Actions) -> Observation:
        """One pick, to its end or the episode's; its actions are appended."""
        follower = PickFollower(pick)
        while not (follower.is_done or self.env.episode.is_over):
            action = follower.act(observing.read(observation))
            observation = self._step(action, actions)
        return observation

    def rest(self, observation: Observation, actions: Actions) -> Observation:
        """Does nothing until the episode is over."""
        while not self.env.episode.is_over:
            observation = self._step(NO_ACTION.copy(), actions)
        return observation

    def _step(self, action: NDArray[np.float32], actions: Actions) -> Observation:
        actions.append(action)
        return self.env.step(action)[0]
