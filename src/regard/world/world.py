"""A scene with the arm in it, ready to move."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import mujoco
import numpy as np

from regard.world.arm.attach import ArmPlacement, attach
from regard.world.arm.simulated import (
    GRIPPER_ACTUATOR,
    HOME_RAD,
    JOINTS,
    UR5E_LIMITS,
    SimulatedArm,
)
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.clearance import Clearance
from regard.world.motion.kinematics import ArmKinematics
from regard.world.objects.contract import Instance
from regard.world.objects.switches import Switches
from regard.world.physics import Contacts, Physics
from regard.world.safety.guard import Guard
from regard.world.safety.limits import SafetyLimits
from regard.world.scene import Scene
from regard.world.table import TABLE_TOP_Z_M

ARM_BASE_M = (0.50, 0.0, TABLE_TOP_Z_M)
SETTLE_S = 0.6
PADS = (
    ("arm/gripper/left_pad",),
    ("arm/gripper/right_pad",),
)


class World:
    """Physics, arm, guard and objects of one scene."""

    def __init__(
        self,
        scene: Scene,
        menagerie: Path,
        *,
        limits: SafetyLimits,
        visuals: bool,
    ) -> None:
        """Attaches the arm, compiles, and lets everything come to rest.

        Args:
            scene: The table with its objects; its specification gets the arm.
            menagerie: Folder of the arm's files.
            limits: What the guard watches.
            visuals: Keep the arm's meshes, which only pictures need.
        """
        placement = ArmPlacement(position_m=ARM_BASE_M, visuals=visuals)
        attach(scene.spec, menagerie, placement=placement)
        # Things at rest cost nothing until they are touched: a table of ten is eight times faster.
        scene.spec.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
        self.scene = scene
        self.physics = Physics(scene.spec.compile())
        self._switches = Switches(scene.instances.values(), self.physics.model)
        self.physics.observers.append(lambda: self._switches.update(self.physics.data))
        self.contacts = Contacts(self.physics)
        self.stand_at_home()
        self.arm = SimulatedArm(self.physics, limits=UR5E_LIMITS)
        self.kinematics = ArmKinematics(
            menagerie,
            placement=ArmPlacement(position_m=ARM_BASE_M, visuals=False),
            limits=UR5E_LIMITS,
        )
        self.guard = Guard(self.physics, self.contacts, limits=limits)
        self.clearance = Clearance(self.physics)
        self.physics.step(round(SETTLE_S / self.physics.timestep_s))
        self.guard.forget()

    @property
    def instances(self) -> Mapping[str, Instance]:
        """The objects by name."""
        return MappingProxyType(dict(self.scene.instances))

    def instance(self, name: str) -> Instance:
        """One object.

        Raises:
            SkillFailure: There is none of this name.
        """
        if name not in self.scene.instances:
            known = ", ".join(sorted(self.scene.instances))
            raise SkillFailure(FailureKind.MISSING, f"there is no {name!r} here; there is: {known}")
        return self.scene.instances[name]

    def holding(self) -> str | None:
        """Name of the object that both fingers press on, else None."""
        held = [name for name in self.scene.instances if self.is_between_fingers(name)]
        return held[0] if held else None

    def is_between_fingers(self, name: str) -> bool:
        """Whether both fingers touch an object."""
        return all(self.contacts.between(pad, (f"{name}/",)) for pad in PADS)

    def is_on(self, name: str) -> bool:
        """Whether what an object's button switches is on."""
        return bool(self._switches.is_on(self.physics.data, name))

    def stand_at_home(self) -> None:
        """Puts the arm at home, at rest."""
        data = self.physics.data
        data.qpos[self.physics.qpos_addresses(JOINTS)] = HOME_RAD
        data.ctrl[self.physics.actuator_ids((GRIPPER_ACTUATOR,))] = 0
        data.qvel[:] = 0
        mujoco.mj_forward(self.physics.model, data)
        assert np.isfinite(data.qpos).all()
