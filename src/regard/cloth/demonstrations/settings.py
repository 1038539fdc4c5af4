"""What a dataset of demonstrations is of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from regard.cloth.protocol import protocol_of

FORMAT_VERSION = 1
"""Of what is written beside Minari's own files."""


@dataclass(frozen=True, kw_only=True)
class DemonstrationSettings:
    """Where demonstrations come from."""

    task: str
    """Name of the task."""

    policy: str
    """Name of the policy that demonstrates."""

    engine: str = "mujoco"
    """Name of the engine."""

    ranges: str = "training"
    """Name of the ranges that episodes are drawn from."""

    seed: int = 0
    """Of the whole dataset."""

    @property
    def dataset_name(self) -> str:
        """Minari's name of the successes."""
        return f"{self.task}/{self.policy}-v{FORMAT_VERSION}"

    @property
    def failures_name(self) -> str:
        """Minari's name of the failures."""
        return f"{self.task}/{self.policy}-failures-v{FORMAT_VERSION}"

    def identity(self) -> dict[str, Any]:
        """All that must agree for two datasets to be of the same kind."""
        return {"format": FORMAT_VERSION, **asdict(self), "protocol": protocol_of(self.task)}
