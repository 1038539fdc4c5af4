"""The episodes of a dataset as they come, each in a file of its own, so that nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from regard.cloth.demonstrations.recording import Recording
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.errors import ClothError
from regard.cloth.protocol import differences

SETTINGS_FILE = "settings.json"
"""Says what the episodes beside it are of."""


class Journal:
    """Recorded episodes by number; whatever stops the program, the finished ones stay."""

    def __init__(self, directory: Path, settings: DemonstrationSettings) -> None:
        """Opens the journal, or begins it in a new or empty directory.

        Raises:
            ClothError: The directory holds something else, or episodes of other settings.
        """
        self._directory = directory
        identity: dict[str, Any] = settings.identity()
        path = directory / SETTINGS_FILE
        if path.exists():
            _refuse_differences(path, identity)
        elif directory.exists() and any(directory.iterdir()):
            raise ClothError(
                f"{directory} holds no demonstrations of ours (no {SETTINGS_FILE}): "
                "give --out a new directory"
            )
        else:
            directory.mkdir(parents=True, exist_ok=True)
            unfinished = directory.with_name(f"{directory.name}.{SETTINGS_FILE}.part")
            unfinished.write_text(json.dumps(identity, indent=1), encoding="utf-8")
            unfinished.replace(path)

    def numbers(self) -> set[int]:
        """Which episodes are recorded."""
        return {int(path.stem) for path in self._directory.glob("*.npz")}

    def write(self, number: int, recording: Recording) -> None:
        """Keeps an episode."""
        recording.save(self._path(number))

    def read(self, number: int) -> Recording:
        """An episode that is kept."""
        return Recording.load(self._path(number))

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:06d}.npz"


def _refuse_differences(path: Path, identity: dict[str, Any]) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found.items()
    except (ValueError, AttributeError) as error:
        raise ClothError(f"{path} cannot be read ({error}): give --out a new directory") from error
    different = differences(found, identity)
    if different:
        raise ClothError(
            f"{path.parent} holds other demonstrations than asked for ({'; '.join(different)}): "
            "give --out a new directory"
        )
