"""One pick: where to grasp, along which path, and the policy steps that carry it out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline  # type: ignore[import-untyped]

from regard.cloth.envs.actions import MAX_STEP, NO_ACTION, Command, action_of
from regard.cloth.envs.observation import Seen
from regard.cloth.mesh import Array

SETTLE_STEPS = 4
"""Control steps the cloth is left alone after a pick, fewer than end an episode."""
RELEASE_HEIGHT = 0.03
"""Height at which the cloth is let go, in edges of the cloth."""
CRUISE_SHARE = 0.8
"""Share of the gripper's top speed at which a path is followed."""
NUM_KNOTS = 3
"""Inner knots of the spline that bends a path."""


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Grasp a point and lead it along an arc; lengths in edges of the cloth."""

    grasp: int
    """Which of the graspable points."""

    target: tuple[float, float]
    """Where to let go, in the cloth's frame."""

    height: float
    """Of the arc's top above the straight line."""

    bends: Array = field(default_factory=lambda: np.zeros((NUM_KNOTS, 3)))
    """Deviation from the arc at evenly spread knots, shape (NUM_KNOTS, 3)."""

    def path(self, start: Array, max_step: float) -> Array:
        """Positions of the gripper, one a control step, after the one at the start.

        Args:
            start: Where the gripper is, shape (3,).
            max_step: Farthest it may move along an axis in a step.

        Returns:
            Shape (steps, 3), the last one at the target.
        """
        length = self._points(start, np.linspace(0, 1, 33))
        distance = np.linalg.norm(np.diff(length, axis=0), axis=1).sum()
        steps = max(1, math.ceil(distance / (CRUISE_SHARE * max_step)))
        return self._points(start, np.linspace(0, 1, steps + 1))[1:]

    def _points(self, start: Array, share: Array) -> Array:
        """Points at shares (n,) of the way."""
        end = np.array([*self.target, RELEASE_HEIGHT])
        straight = start + np.outer((1 - np.cos(np.pi * share)) / 2, end - start)
        straight[:, 2] += self.height * np.sin(np.pi * share)
        knots = np.concatenate([np.zeros((1, 3)), self.bends, np.zeros((1, 3))])
        spline = CubicSpline(np.linspace(0, 1, len(knots)), knots)
        bent: Array = straight + spline(share)
        bent[:, 2] = np.maximum(bent[:, 2], 0.0)
        return bent


class PickFollower:
    """Carries out one pick, step by step; repeats a grasp that failed."""

    def __init__(self, pick: Pick, settle_steps: int = SETTLE_STEPS) -> None:
        self.pick = pick
        self._settle_steps = settle_steps
        self._stage: Literal["grasp", "move", "release", "settle"] = "grasp"
        self._path: Array | None = None
        self._index = 0

    @property
    def is_done(self) -> bool:
        """Whether the pick is over and the cloth has had time to settle."""
        return self._stage == "settle" and self._index >= self._settle_steps

    @property
    def path_left(self) -> Array | None:
        """Where the gripper is still to be led, shape (steps, 3); None unless under way."""
        if self._stage != "move" or self._path is None:
            return None
        return self._path[self._index :].copy()

    @property
    def steps_taken(self) -> int:
        """Control steps on the path so far; 0 unless under way."""
        return self._index if self._stage == "move" else 0

    def act(self, seen: Seen) -> NDArray[np.float32]:
        """The next action."""
        if self._stage == "grasp" and seen.is_holding:
            self._path = self.pick.path(seen.gripper, seen.max_step)
            self._stage = "move"
        if self._stage == "grasp":
            return action_of(Command(np.zeros(3), True, self.pick.grasp))
        if self._stage == "move" and self._path is not None:
            if self._index < len(self._path):
                return self._next_on_path(seen)
            self._stage = "release"
        if self._stage == "release" and not seen.is_holding:
            self._stage, self._index = "settle", 0
        if self._stage == "settle":
            self._index += 1
        return NO_ACTION.copy()

    def redirect(self, path: Array) -> None:
        """Replaces the path that is left by another, shape (steps, 3); only under way."""
        assert self._path is not None
        self._path = np.concatenate([self._path[: self._index], path])

    def _next_on_path(self, seen: Seen) -> NDArray[np.float32]:
        assert self._path is not None
        # Measured against the path, not the gripper: a delayed action must not be repeated.
        before = self._path[self._index - 1] if self._index else seen.gripper
        step = (self._path[self._index] - before) * seen.size
        self._index += 1
        return action_of(Command(np.clip(step, -MAX_STEP, MAX_STEP), True, self.pick.grasp))
