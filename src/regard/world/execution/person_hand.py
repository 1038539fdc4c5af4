"""A hand that takes what is offered: in the benchmark, somebody has to pull."""

from __future__ import annotations

import numpy as np

from regard.world.effects import is_at_handover, speed_m_s
from regard.world.world import World

STILL_M_S = 0.03
REACH_S = 0.5
"""The object has been offered, and still, for so long before the person pulls."""
PULL_N_PER_S = 10.0
HIGHEST_PULL_N = 20.0
TOWARDS_PERSON = np.array([-1.0, 0.0, 0.0])
STIFFNESS_PER_S2 = 150.0
DAMPING_PER_S = 20.0
DRAW_M = 0.06
"""What was let go is drawn so far towards the person, and held."""


class PersonHand:
    """Pulls harder and harder on an offered object, and holds it when the fingers open.

    The pull is a force on the object's body; what the fingers bear of it is read from contacts.
    """

    def __init__(self, world: World, name: str) -> None:
        """Waits for one object.

        Args:
            world: Where it happens; the hand is to be one of its observers.
            name: What it takes.
        """
        self._world = world
        self._name = name
        self._body = world.physics.model.body(f"{name}/body").id
        self._offered_since_s: float | None = None
        self._goal_m: np.ndarray | None = None
        self.highest_n = 0.0
        """Highest force that the fingers held against, beyond the weight, since the pull began."""

    @property
    def has_taken(self) -> bool:
        """Whether the fingers let go of it, and the person holds it."""
        return self._goal_m is not None

    def look(self) -> None:
        """Pulls, or holds, as it is now."""
        world = self._world
        is_held = world.is_between_fingers(self._name)
        if self._goal_m is None and not self._is_pulling(is_held=is_held):
            return
        assert self._offered_since_s is not None
        pulling_s = world.physics.time_s - self._offered_since_s - REACH_S
        if is_held and self._goal_m is None:
            self.highest_n = max(self.highest_n, world.guard.pull_n(self._name))
            self._push(min(HIGHEST_PULL_N, PULL_N_PER_S * pulling_s) * TOWARDS_PERSON)
            return
        self._hold()

    def _is_pulling(self, *, is_held: bool) -> bool:
        """Whether it was offered for long enough."""
        physics = self._world.physics
        if self._offered_since_s is not None:
            return physics.time_s - self._offered_since_s >= REACH_S
        is_still = speed_m_s(physics, self._name) < STILL_M_S
        if is_held and is_still and is_at_handover(physics, self._name):
            self._offered_since_s = physics.time_s
        return False

    def _hold(self) -> None:
        physics = self._world.physics
        place = physics.body_pose(f"{self._name}/body").position_m
        if self._goal_m is None:
            self._goal_m = place + DRAW_M * TOWARDS_PERSON
        mass = physics.body_mass(f"{self._name}/body")
        velocity = physics.body_velocity(f"{self._name}/body")[3:]
        wanted = STIFFNESS_PER_S2 * (self._goal_m - place) - DAMPING_PER_S * velocity
        self._push(mass * (wanted - physics.model.opt.gravity))
        turning = physics.body_velocity(f"{self._name}/body")[:3]
        # By each principal axis: the mean would overshoot about the long axis of a spoon.
        axes = physics.data.ximat[self._body].reshape(3, 3)
        momentum = axes @ (physics.model.body_inertia[self._body] * (axes.T @ turning))
        physics.data.xfrc_applied[self._body, 3:] = -DAMPING_PER_S * momentum

    def _push(self, force_n: np.ndarray) -> None:
        self._world.physics.data.xfrc_applied[self._body, :3] = force_n
