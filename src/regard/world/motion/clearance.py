"""Would the arm touch anything, standing so? Asked of a copy of the world."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

import mink
import mujoco
import numpy as np

from regard.world.arm.attach import PAD_GEOMS, TCP_SITE
from regard.world.arm.simulated import JOINTS
from regard.world.physics import BEAD, Physics

ARM = "arm/"
GRIPPER = "arm/gripper/"
BEADS = "beads"
FAR_M = 0.1


class Clearance:
    """A copy of the world in which things are put where they are believed to be."""

    def __init__(self, physics: Physics) -> None:
        """Copies the model's layout; the state is taken by `refresh`."""
        self._physics = physics
        self._model = copy.copy(physics.model)
        self._data = mujoco.MjData(physics.model)
        self._arm_qpos = physics.qpos_addresses(JOINTS)
        self._owner = self._owners()
        self._pads = [physics.model.geom(f"{GRIPPER}{name}").id for name in PAD_GEOMS]
        self._margin_m = 0.0
        self._held: tuple[str, np.ndarray] | None = None

    def refresh(self, believed: Mapping[str, mink.SE3]) -> None:
        """Takes the present state, objects by name where they are believed to be."""
        self._data.qpos[:] = self._physics.data.qpos
        for name, place in believed.items():
            self._put(name, place)

    def touched(
        self,
        joints_rad: np.ndarray,
        *,
        held: tuple[str, mink.SE3] | None = None,
        ignore: Iterable[str] = (),
        room_m: float = 0.0,
    ) -> set[str]:
        """Names of what the arm, or what it holds, would touch.

        Args:
            joints_rad: (joints,) where the arm stands.
            held: The object in the hand, and its pose relative to the point between the pads.
            ignore: Names that may be touched.
            room_m: What is held touches what is nearer than this.
        """
        self._data.qpos[self._arm_qpos] = joints_rad
        mujoco.mj_kinematics(self._model, self._data)
        if held is not None:
            site = self._data.site(TCP_SITE)
            hand = mink.SE3.from_rotation_and_translation(
                mink.SO3.from_matrix(site.xmat.reshape(3, 3)), site.xpos
            )
            self._put(held[0], hand @ held[1])
            mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        self._keep_margin(room_m)
        mujoco.mj_collision(self._model, self._data)
        names = {held[0]} if held is not None else set()
        found = self._partners({ARM}, room_m=0.0) | self._partners(names, room_m=room_m)
        return found - set(ignore) - names - {ARM}

    def room_m(self, name: str) -> float:
        """Least distance between the pads and an object, as the arm stood at the last question."""
        distances = [
            mujoco.mj_geomDistance(self._model, self._data, pad, geom, FAR_M, None)
            for pad in self._pads
            for geom in range(self._model.ngeom)
            if self._owner[geom] == name and self._model.geom_contype[geom]
        ]
        return min(distances, default=FAR_M)

    def _keep_margin(self, room_m: float) -> None:
        """Lets contacts be found that are so far from touching."""
        if room_m != self._margin_m:
            self._margin_m = room_m
            self._model.geom_margin[:] = self._physics.model.geom_margin + room_m
            self._model.body_margin[:] = self._physics.model.body_margin + room_m

    def _partners(self, moving: set[str], *, room_m: float) -> set[str]:
        found = set()
        contact = self._data.contact
        for index in np.flatnonzero(contact.dist < room_m):
            geom_1, geom_2 = contact.geom1[index], contact.geom2[index]
            if geom_1 < 0 or geom_2 < 0:
                continue
            one, other = self._owner[geom_1], self._owner[geom_2]
            if BEADS in (one, other):
                continue
            if one in moving:
                found.add(other)
            if other in moving:
                found.add(one)
        return found

    def _put(self, name: str, place: mink.SE3) -> None:
        joint = f"{name}/free"
        if not self._physics.has("joint", joint):
            return
        address = self._physics.qpos_addresses((joint,))[0]
        self._data.qpos[address : address + 3] = place.translation()
        self._data.qpos[address + 3 : address + 7] = place.rotation().wxyz

    def _owners(self) -> list[str]:
        """The instance, or `arm/`, or own name, that each geom belongs to."""
        owners = []
        for index in range(self._model.ngeom):
            geom = self._model.geom(index)
            name = self._model.body(geom.bodyid[0]).name
            if name.startswith(ARM):
                owners.append(ARM)
            elif BEAD in name:
                owners.append(BEADS)
            else:
                owners.append(name.split("/")[0] if "/" in name else geom.name)
        return owners
