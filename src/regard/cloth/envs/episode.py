"""One episode's state apart from the physics, and a copy of everything to go back to."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.cloth.conditions import Conditions
from regard.cloth.engines.contract import EngineState
from regard.cloth.envs.actions import NO_ACTION
from regard.cloth.frame import Frame
from regard.cloth.gripper import Gripper
from regard.cloth.mesh import Array
from regard.cloth.tasks import Judgement


@dataclass
class Episode:
    """How far an episode is."""

    conditions: Conditions
    """What holds in it."""

    start: Array
    """Vertices at the start [m], shape (vertices, 3)."""

    frame: Frame
    """In which the policy sees and acts."""

    start_performance: float
    """The task's performance at the start."""

    judgement: Judgement
    """Of the cloth as it lies now."""

    gripper: Gripper = field(default_factory=Gripper)
    """Where it is and what it holds."""

    step: int = 0
    """Control steps taken."""

    rest: int = 0
    """Control steps since the gripper was last closed or asked to close."""

    pending: tuple[NDArray[np.float32], ...] = ()
    """Actions chosen but not yet in effect, oldest first."""

    last_action: NDArray[np.float32] = field(default_factory=NO_ACTION.copy)
    """The action chosen last."""

    is_over: bool = False
    """Whether it has ended."""

    diverged: bool = False
    """Whether it ended because the simulation exploded."""

    def copied(self) -> Episode:
        """A copy that goes its own way; only the gripper is changed in place."""
        return replace(self, gripper=copy.copy(self.gripper))

    @property
    def progress(self) -> float:
        """Normalised performance: 0 as at the start, 1 for the best there is."""
        gained = self.judgement.performance - self.start_performance
        return gained / (self.judgement.best_performance - self.start_performance)


class Snapshot(NamedTuple):
    """An episode at one moment, complete."""

    episode: Episode
    """All but the physics; a copy."""

    engine: EngineState
    """The physics."""

    rng: dict[str, Any]
    """State of the source of chance."""
