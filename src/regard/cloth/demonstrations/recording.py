"""One episode, recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.policies.contract import Policy
from regard.common.seeding import derive_seed


class Recording(NamedTuple):
    """What happened in one episode of T steps."""

    seed: int
    """Of the environment."""

    is_success: bool
    """Whether the task's criteria were met at the end."""

    observations: NDArray[np.float32]
    """Shape (T + 1, observation size)."""

    actions: NDArray[np.float32]
    """Shape (T, action size)."""

    rewards: NDArray[np.float64]
    """Shape (T,)."""

    terminations: NDArray[np.bool_]
    """Shape (T,)."""

    performances: NDArray[np.float64]
    """Normalised performance at the start and after each step, shape (T + 1,)."""

    def save(self, path: Path) -> None:
        """Writes it in one piece: the file is there whole or not at all."""
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, **self._asdict())
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads what `save` wrote."""
        with np.load(path) as values:
            parts: dict[str, Any] = {name: values[name] for name in cls._fields}
        parts["seed"], parts["is_success"] = int(parts["seed"]), bool(parts["is_success"])
        return cls(**parts)


def record_episode(env: ClothEnv, policy: Policy, seed: int) -> Recording:
    """Runs a policy through one episode."""
    observation, info = env.reset(seed=seed)
    policy.begin(env, derive_seed(seed, "policy"))
    observations, performances = [observation], [info["normalized_performance"]]
    actions, rewards, is_over = [], [], False
    while not is_over:
        actions.append(policy.act(observation))
        observation, reward, is_over, _, info = env.step(actions[-1])
        observations.append(observation)
        rewards.append(reward)
        performances.append(info["normalized_performance"])
    terminations = np.zeros(len(rewards), dtype=np.bool_)
    terminations[-1] = True
    return Recording(
        seed=seed,
        is_success=bool(info["is_success"]),
        observations=np.array(observations),
        actions=np.array(actions),
        rewards=np.array(rewards),
        terminations=terminations,
        performances=np.array(performances),
    )
