"""Demonstrations as Minari datasets: written, and read again with a check of what they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from minari import MinariDataset  # type: ignore[import-untyped]
from minari.data_collector import EpisodeBuffer  # type: ignore[import-untyped]
from minari.dataset.minari_storage import MinariStorage  # type: ignore[import-untyped]

from regard.cloth import ENVIRONMENT_IDS
from regard.cloth.demonstrations.recording import Recording
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.errors import ClothError
from regard.cloth.protocol import differences

IDENTITY_KEY = "regard"
"""Under which a dataset's metadata says what it is of."""


def write_dataset(
    directory: Path, name: str, recordings: Iterable[Recording], settings: DemonstrationSettings
) -> None:
    """Writes or replaces the Minari dataset `directory`/`name`; it is there whole or not at all.

    Args:
        directory: The root that Minari's `MINARI_DATASETS_PATH` may name.
        name: Minari's name of the dataset.
        recordings: Its episodes.
        settings: Where they come from.

    Raises:
        ClothError: There is something else in that place.
    """
    final = directory / name
    refuse_foreign(final)
    unfinished = final.with_name(final.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "data").mkdir(parents=True)
    env = ClothEnv(settings.task, engine=settings.engine)
    storage = MinariStorage.new(
        unfinished / "data",
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
    storage.update_metadata(
        {
            "dataset_id": name,
            "minari_version": version("minari"),
            "algorithm_name": settings.policy,
            "description": f"{ENVIRONMENT_IDS[settings.task]} in {settings.engine}",
            IDENTITY_KEY: json.dumps(settings.identity()),
        }
    )
    storage.update_episodes(map(_buffer, recordings))
    shutil.rmtree(final, ignore_errors=True)
    unfinished.replace(final)


def refuse_foreign(path: Path) -> None:
    """Makes sure that a dataset may be written to a place.

    Raises:
        ClothError: There is something else in that place.
    """
    if path.exists():
        _identity(path)


def read_dataset(path: Path, settings: DemonstrationSettings | None = None) -> MinariDataset:
    """Opens a dataset for a learner.

    Args:
        path: The dataset's directory, which holds `data`.
        settings: What it must be of; the seed may differ. None takes any of ours whose
            environment is still the present one.

    Raises:
        ClothError: It is none of ours, or of another environment or version than wanted.
    """
    found = _identity(path)
    names: dict[str, Any] = {
        name: found.get(name) for name in ("task", "policy", "engine", "ranges", "seed")
    }
    present = settings or DemonstrationSettings(**names)
    wanted = present.identity()
    different = differences(found | {"seed": None}, wanted | {"seed": None})
    if different:
        raise ClothError(f"{path} is not the dataset wanted ({'; '.join(different)}): record anew")
    return MinariDataset(path / "data")


def _identity(path: Path) -> dict[str, Any]:
    try:
        metadata: dict[str, Any] = MinariStorage.read_raw_metadata(path / "data")
    except ValueError as error:
        raise ClothError(f"{path} is no Minari dataset: {error}") from error
    if IDENTITY_KEY not in metadata:
        raise ClothError(f"{path} was not written by `regard cloth demos`: its origin is unknown")
    identity: dict[str, Any] = json.loads(metadata[IDENTITY_KEY])
    return identity


def _buffer(recording: Recording) -> EpisodeBuffer:
    return EpisodeBuffer(
        seed=recording.seed,
        observations=recording.observations,
        actions=recording.actions,
        rewards=list(recording.rewards),
        terminations=list(recording.terminations),
        truncations=[False] * len(recording.rewards),
        infos={"normalized_performance": recording.performances},
    )
