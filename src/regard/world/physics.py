"""The simulated world's state, read and changed by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import mujoco
import numpy as np

from regard.common.errors import UserError

BEAD = "/bead_"
STEPS_BETWEEN_LOOKS = 5
"""Switches and other things that MuJoCo does not simulate are looked at every so many steps."""
TOUCHING_M = 0.0005
"""A resting contact may be this far from touching and still carry weight."""


class PhysicsError(UserError):
    """The state is not finite, or a name is not in the model."""


class Pose(NamedTuple):
    """Where something is, in the world."""

    position_m: np.ndarray
    """(3,)."""

    rotation: np.ndarray
    """(3, 3), its columns the axes of the thing."""


class Physics:
    """One MuJoCo model and its state; nothing else reads or writes them."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Starts at the model's own initial state."""
        self.model = model
        self.data = mujoco.MjData(model)
        self.lock = threading.RLock()
        self._num_steps = 0
        self.before_step: Callable[[], None] | None = None
        self.observers: list[Callable[[], object]] = []
        mujoco.mj_forward(model, self.data)

    @property
    def timestep_s(self) -> float:
        """Length of one step."""
        return float(self.model.opt.timestep)

    @property
    def time_s(self) -> float:
        """Simulated time."""
        return float(self.data.time)

    def step(self, num_steps: int = 1) -> None:
        """Advances the simulation.

        Raises:
            PhysicsError: The state became NaN or infinite.
        """
        with self.lock:
            for _ in range(num_steps):
                if self.before_step is not None:
                    self.before_step()
                mujoco.mj_step(self.model, self.data)
                if self._num_steps % STEPS_BETWEEN_LOOKS == 0:
                    for observer in self.observers:
                        observer()
                self._num_steps += 1
            if not self.is_finite():
                raise PhysicsError(
                    f"the simulated state became NaN or infinite at {self.time_s:.3f} s; "
                    "the arm is held, start the scene anew"
                )

    def is_finite(self) -> bool:
        """Whether every position and velocity is a number, and MuJoCo did not reset itself."""
        warnings = self.data.warning
        bad = (
            mujoco.mjtWarning.mjWARN_BADQPOS,
            mujoco.mjtWarning.mjWARN_BADQVEL,
            mujoco.mjtWarning.mjWARN_BADQACC,
        )
        if any(warnings[kind].number for kind in bad):
            return False
        return bool(np.isfinite(self.data.qpos).all() and np.isfinite(self.data.qvel).all())

    def body_pose(self, name: str) -> Pose:
        """Pose of a body."""
        body = self.data.body(self._known("body", name))
        return Pose(body.xpos.copy(), body.xmat.reshape(3, 3).copy())

    def body_velocity(self, name: str) -> np.ndarray:
        """(6,) angular then linear velocity of a body's frame, in the world's axes."""
        velocity = np.zeros(6)
        body_id = self.model.body(self._known("body", name)).id
        kind = mujoco.mjtObj.mjOBJ_BODY
        mujoco.mj_objectVelocity(self.model, self.data, kind, body_id, velocity, 0)
        return velocity

    def body_mass(self, name: str) -> float:
        """Mass of a body with all that hangs on it, in kilograms."""
        return float(self.model.body_subtreemass[self.model.body(self._known("body", name)).id])

    def site_pose(self, name: str) -> Pose:
        """Pose of a site."""
        site = self.data.site(self._known("site", name))
        return Pose(site.xpos.copy(), site.xmat.reshape(3, 3).copy())

    def site_size(self, name: str) -> np.ndarray:
        """(3,) size of a site; of an opening, the first is its radius."""
        return np.array(self.model.site(self._known("site", name)).size)

    def joint_position(self, name: str) -> float:
        """Angle or travel of a one-dimensional joint."""
        return float(self.data.joint(self._known("joint", name)).qpos[0])

    def joint_range(self, name: str) -> tuple[float, float]:
        """Lowest and highest value of a joint."""
        low, high = self.model.joint(self._known("joint", name)).range
        return float(low), float(high)

    def joint_axis(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Direction (3,) of a joint's axis and a point (3,) on it, in the world."""
        index = self.model.joint(self._known("joint", name)).id
        return self.data.xaxis[index].copy(), self.data.xanchor[index].copy()

    def has(self, kind: str, name: str) -> bool:
        """Whether the model names such a `body`, `site`, `joint` or `geom`."""
        return int(mujoco.mj_name2id(self.model, _OBJECT_KINDS[kind], name)) >= 0

    def names(self, kind: str, prefix: str = "") -> list[str]:
        """The names of one kind that begin with a prefix, in the model's order."""
        count = {
            "body": self.model.nbody,
            "site": self.model.nsite,
            "joint": self.model.njnt,
            "geom": self.model.ngeom,
        }[kind]
        every = (getattr(self.model, kind)(index).name for index in range(count))
        return [name for name in every if name.startswith(prefix)]

    def qpos_addresses(self, joints: Sequence[str]) -> np.ndarray:
        """Where the positions of joints begin in the state."""
        known = [self._known("joint", name) for name in joints]
        return np.array([self.model.joint(name).qposadr[0] for name in known])

    def dof_addresses(self, joints: Sequence[str]) -> np.ndarray:
        """Where the velocities of joints begin in the state."""
        known = [self._known("joint", name) for name in joints]
        return np.array([self.model.joint(name).dofadr[0] for name in known])

    def actuator_ids(self, names: Sequence[str]) -> np.ndarray:
        """Indices of actuators."""
        return np.array([self.model.actuator(name).id for name in names])

    def geoms_of(self, prefix: str) -> np.ndarray:
        """(geoms,) True for a geom whose body's, or own, name begins with the prefix.

        Beads belong to no object: they leave it.
        """
        flags = np.zeros(self.model.ngeom, dtype=bool)
        for index in range(self.model.ngeom):
            geom = self.model.geom(index)
            body_name = self.model.body(geom.bodyid[0]).name
            is_bead = BEAD in body_name
            starts = geom.name.startswith(prefix) or body_name.startswith(prefix)
            flags[index] = starts and not is_bead
        return flags

    def _known(self, kind: str, name: str) -> str:
        if not self.has(kind, name):
            raise PhysicsError(f"the scene has no {kind} {name!r}")
        return name


_OBJECT_KINDS = {
    "body": mujoco.mjtObj.mjOBJ_BODY,
    "site": mujoco.mjtObj.mjOBJ_SITE,
    "joint": mujoco.mjtObj.mjOBJ_JOINT,
    "geom": mujoco.mjtObj.mjOBJ_GEOM,
}


class Contacts:
    """Contacts between named groups of geoms, found once and asked often."""

    def __init__(self, physics: Physics) -> None:
        """Finds nothing yet."""
        self._physics = physics
        self._groups: dict[str, np.ndarray] = {}
        self._awake: mujoco.MjData | None = None

    def group(self, *prefixes: str) -> np.ndarray:
        """(geoms,) True for the geoms of any of the prefixes."""
        flags = np.zeros(self._physics.model.ngeom, dtype=bool)
        for prefix in prefixes:
            if prefix not in self._groups:
                self._groups[prefix] = self._physics.geoms_of(prefix)
            flags |= self._groups[prefix]
        return flags

    def between(self, first: Iterable[str], second: Iterable[str]) -> list[int]:
        """Indices of the active contacts between two groups."""
        one, other = self.group(*first), self.group(*second)
        with self._physics.lock:
            contact = self._physics.data.contact
            if len(contact) == 0:
                return []
            a, b = contact.geom1.copy(), contact.geom2.copy()
        # A negative geom stands for a flex, which belongs to no group.
        is_geom = (a >= 0) & (b >= 0)
        hit = is_geom & ((one[a] & other[b]) | (other[a] & one[b]))
        return [int(index) for index in np.flatnonzero(hit)]

    def touch(self, first: str, second: str) -> bool:
        """Whether the geoms of two prefixes touch, asleep or not."""
        one, other = self.group(first), self.group(second)
        contact = self._all_contacts()
        pairs = zip(contact.geom1, contact.geom2, contact.dist, strict=True)
        return any(
            a >= 0 and b >= 0 and ((one[a] and other[b]) or (other[a] and one[b]))
            for a, b, distance in pairs
            if distance <= TOUCHING_M
        )

    def _all_contacts(self) -> mujoco._structs._MjContactList:
        """MuJoCo drops the contacts of things that sleep; a copy of the state has them all."""
        model = self._physics.model
        if self._awake is None:
            self._awake = mujoco.MjData(model)
        self._awake.qpos[:] = self._physics.data.qpos
        self._awake.mocap_pos[:] = self._physics.data.mocap_pos
        flags = model.opt.enableflags
        try:
            model.opt.enableflags = flags & ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
            mujoco.mj_kinematics(model, self._awake)
            mujoco.mj_comPos(model, self._awake)
            mujoco.mj_collision(model, self._awake)
        finally:
            model.opt.enableflags = flags
        return self._awake.contact

    def force_n(self, first: Iterable[str], second: Iterable[str]) -> float:
        """Sum of the sizes of the normal forces between two groups, in newtons."""
        total, force = 0.0, np.zeros(6)
        with self._physics.lock:
            for index in self.between(first, second):
                mujoco.mj_contactForce(self._physics.model, self._physics.data, index, force)
                total += abs(float(force[0]))
        return total
