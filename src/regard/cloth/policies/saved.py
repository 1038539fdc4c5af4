"""Policies read from files."""

from __future__ import annotations

import importlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.observation import OBSERVATION_SIZE, Observation
from regard.cloth.errors import ClothError
from regard.cloth.policies.contract import Policy


def is_path(name: str) -> bool:
    """Whether a policy's name is meant as a path."""
    return "/" in name or name.endswith(".zip")


def load_policy(path: Path) -> Policy:
    """The policy that Stable-Baselines3 saved in the file.

    Raises:
        ClothError: There is no such file, or it is not a model for these environments.
    """
    if not path.is_file():
        raise ClothError(f"there is no policy at {path}")
    return StableBaselinesPolicy(path)


class StableBaselinesPolicy:
    """The deterministic action of a model that Stable-Baselines3 trained."""

    def __init__(self, path: Path) -> None:
        """Loads the model.

        Raises:
            ClothError: The file is something else, or Stable-Baselines3 is not installed.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                data = json.loads(archive.read("data"))
            module = data["policy_class"]["__module__"]
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise ClothError(f"{path} is not a model that Stable-Baselines3 saved") from error
        self._model = _algorithm(module, path).load(path, device="cpu")
        shape = self._model.observation_space.shape
        if shape != (OBSERVATION_SIZE,):
            raise ClothError(
                f"the model of {path} sees {shape}, these environments show ({OBSERVATION_SIZE},)"
            )

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Needs nothing."""

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The model's action, without exploration."""
        action, _ = self._model.predict(observation, deterministic=True)
        chosen: NDArray[np.float32] = np.asarray(action, dtype=np.float32)
        return chosen


def _algorithm(policy_module: str, path: Path) -> Any:
    """The class of an algorithm, from where its policy is defined: stable_baselines3.td3.policies.

    PPO and A2C share one policy; either loads what the other saved, for acting.
    """
    package, _, family = policy_module.removesuffix(".policies").rpartition(".")
    if package != "stable_baselines3":
        raise ClothError(f"{path} holds a policy of {policy_module}, not of Stable-Baselines3")
    try:
        library = importlib.import_module("stable_baselines3")
    except ImportError as error:
        raise ClothError(f"{path} needs stable-baselines3: install it to load it") from error
    return getattr(library, "PPO" if family == "common" else family.upper())
