"""Watches speed and force at every control step, whatever the planner does."""

from __future__ import annotations

import mujoco
import numpy as np

from regard.world.arm.attach import TCP_SITE
from regard.world.arm.simulated import JOINTS
from regard.world.failures import FailureKind, SkillFailure
from regard.world.physics import Contacts, Physics
from regard.world.safety.limits import SafetyLimits

ARM = "arm/"
FINGERS = "arm/gripper/"
PERSON = "person_"
TABLE = "table"
BRAKING_PER_S = 1.0
"""Speed that may be added for every metre of distance from where the hand is near."""
IN_HAND = 0.8
"""Share of the speed limit that is commanded: the servo overshoots a little and takes time."""
SLIPPED = 0.85
"""A hand faster than this share of the limit did not get so fast by command."""
TINY_M_S = 1e-9
UNDER_THE_TABLE = ("person_leg", "person_shin")


class Guard:
    """Slows the hand near the person, and reports forces over their limits."""

    def __init__(self, physics: Physics, contacts: Contacts, *, limits: SafetyLimits) -> None:
        """Watches one world.

        Args:
            physics: The world.
            contacts: Its contacts.
            limits: What must not be exceeded.
        """
        self._physics = physics
        self._contacts = contacts
        self._limits = limits
        self._dofs = physics.dof_addresses(JOINTS)
        self._site = physics.model.site(TCP_SITE).id
        self._person = [
            physics.model.geom(name).id
            for name in physics.names("geom", PERSON)
            if physics.model.geom(name).contype[0] and not name.startswith(UNDER_THE_TABLE)
        ]
        self._pads = [
            physics.model.geom(f"arm/gripper/{side}_pad1").id for side in ("left", "right")
        ]
        self.table_force_n = 0.0
        """Highest force on the table since `forget`."""
        self.person_force_n = 0.0
        """Highest force on the person since `forget`."""
        self.near_speed_m_s = 0.0
        """Highest measured speed of the hand near the person since `forget`."""

    @property
    def limits(self) -> SafetyLimits:
        """What must not be exceeded."""
        return self._limits

    def forget(self) -> None:
        """Forgets the highest values."""
        self.table_force_n = self.person_force_n = self.near_speed_m_s = 0.0

    def pull_n(self, name: str) -> float:
        """Force, beyond its weight, that the fingers have to bear to keep an object still."""
        physics = self._physics
        total = np.zeros(3)
        wrench = np.zeros(6)
        for index in self._contacts.between((FINGERS,), (f"{name}/",)):
            mujoco.mj_contactForce(physics.model, physics.data, index, wrench)
            frame = physics.data.contact.frame[index].reshape(3, 3)
            # The force acts on the second geom of the pair.
            is_first = self._contacts.group(FINGERS)[physics.data.contact.geom1[index]]
            total += (1 if is_first else -1) * (frame.T @ wrench[:3])
        total[2] -= physics.body_mass(f"{name}/body") * float(-physics.model.opt.gravity[2])
        return float(np.linalg.norm(total))

    def person_distance_m(self) -> float:
        """From the fingertips to the nearest part of the person, at most 1 m."""
        model, data = self._physics.model, self._physics.data
        return min(
            (
                mujoco.mj_geomDistance(model, data, self._pads[0], geom, 1.0, None)
                for geom in self._person
            ),
            default=1.0,
        )

    def hand_speed_m_s(self, velocity_rad_s: np.ndarray) -> float:
        """Speed of the point between the pads at given joint velocities (joints,)."""
        return float(np.linalg.norm(self._hand_velocities(velocity_rad_s).sum(axis=1)))

    def _hand_velocities(self, velocity_rad_s: np.ndarray) -> np.ndarray:
        """(3, joints) what each joint adds to the velocity of the point between the pads."""
        jacobian = np.zeros((3, self._physics.model.nv))
        mujoco.mj_jacSite(self._physics.model, self._physics.data, jacobian, None, self._site)
        return np.asarray(jacobian[:, self._dofs] * velocity_rad_s)

    def govern(self, velocity_rad_s: np.ndarray) -> np.ndarray:
        """The joint velocities (joints,), slowed evenly where the hand is near the person.

        Slow enough also if something holds any one joint back while the others go on. A hand that
        came to be too fast all the same, as when it slips off what blocked it, is braked.
        """
        limit = self._limits.near_person_speed_m_s
        beyond = self.person_distance_m() - self._limits.near_person_distance_m
        if beyond <= 0 and self._measured_speed_m_s() > SLIPPED * limit:
            return np.zeros_like(velocity_rad_s)
        parts = self._hand_velocities(velocity_rad_s)
        whole = parts.sum(axis=1)
        speed = float(np.linalg.norm(whole))
        with_one_held = float(np.linalg.norm(whole[:, None] - parts, axis=0).max())
        # The hand slows down before it is near.
        more = BRAKING_PER_S * max(0.0, beyond)
        share = min(
            (IN_HAND * limit + more) / max(speed, TINY_M_S),
            (limit + more) / max(with_one_held, TINY_M_S),
        )
        return velocity_rad_s if share >= 1 else velocity_rad_s * share

    def check(self) -> None:
        """Measures, and says which limit is exceeded.

        Raises:
            SkillFailure: A force is over its limit.
        """
        self._measure()
        limits = self._limits
        if self._contacts.force_n((ARM,), (PERSON,)) > limits.person_force_n:
            raise SkillFailure(
                FailureKind.FORCE,
                f"the arm pressed on the person with more than {limits.person_force_n:g} N",
            )
        if self._contacts.force_n((ARM,), (TABLE,)) > limits.table_force_n:
            raise SkillFailure(
                FailureKind.FORCE,
                f"the arm pressed on the table with more than {limits.table_force_n:g} N",
            )

    def _measure(self) -> None:
        table = self._contacts.force_n((ARM,), (TABLE,))
        person = self._contacts.force_n((ARM,), (PERSON,))
        self.table_force_n = max(self.table_force_n, table)
        self.person_force_n = max(self.person_force_n, person)
        if self.person_distance_m() <= self._limits.near_person_distance_m:
            self.near_speed_m_s = max(self.near_speed_m_s, self._measured_speed_m_s())

    def _measured_speed_m_s(self) -> float:
        return self.hand_speed_m_s(self._physics.data.qvel[self._dofs])
