"""The arm in MuJoCo: a velocity servo on position-controlled joints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from regard.world.arm.contract import Arm, ArmLimits, ArmState
from regard.world.arm.errors import ArmCommandError

if TYPE_CHECKING:
    from regard.world.physics import Physics

JOINTS = (
    "arm/shoulder_pan_joint",
    "arm/shoulder_lift_joint",
    "arm/elbow_joint",
    "arm/wrist_1_joint",
    "arm/wrist_2_joint",
    "arm/wrist_3_joint",
)
ACTUATORS = (
    "arm/shoulder_pan",
    "arm/shoulder_lift",
    "arm/elbow",
    "arm/wrist_1",
    "arm/wrist_2",
    "arm/wrist_3",
)
GRIPPER_ACTUATOR = "arm/gripper/fingers_actuator"
GRIPPER_JOINT = "arm/gripper/right_driver_joint"
GRIPPER_SHUT_RAD = 0.8
GRIPPER_SHUT_CONTROL = 255.0

HOME_RAD = (0.0, -1.903, 1.849, -1.5168, -1.5708, 0.0)
"""Above the middle of the table and the tallest thing on it, gripper down."""

# The UR5e's own maximum is pi rad/s; a third of it is what its safety settings for work
# beside people commonly allow.
UR5E_LIMITS = ArmLimits(
    lower_rad=(-6.2831, -6.2831, -3.1415, -6.2831, -6.2831, -6.2831),
    upper_rad=(6.2831, 6.2831, 3.1415, 6.2831, 6.2831, 6.2831),
    velocity_rad_s=(1.2, 1.2, 1.2, 2.0, 2.0, 2.0),
    acceleration_rad_s2=(6.0, 6.0, 6.0, 10.0, 10.0, 10.0),
    stop_deceleration_rad_s2=40.0,
)

MAX_LEAD_RAD = np.array([0.02, 0.02, 0.02, 0.04, 0.04, 0.04])
"""How far the reference may lead the joint: it bounds the force on whatever blocks the arm."""


class SimulatedArm(Arm):
    """Drives the actuators of one `Physics`, which calls `servo` before each of its steps."""

    def __init__(self, physics: Physics, *, limits: ArmLimits) -> None:
        """Holds the pose that the physics is in."""
        self._physics = physics
        self._limits = limits
        self._qpos = physics.qpos_addresses(JOINTS)
        self._dofs = physics.dof_addresses(JOINTS)
        self._actuators = physics.actuator_ids(ACTUATORS)
        self._gripper_actuator = physics.actuator_ids((GRIPPER_ACTUATOR,))[0]
        self._gripper_qpos = physics.qpos_addresses((GRIPPER_JOINT,))[0]
        gain = physics.model.actuator_gainprm[self._actuators, 0]
        self._lead_per_velocity_s = -physics.model.actuator_biasprm[self._actuators, 2] / gain
        self._stop_reason: str | None = None
        self._last_command_s: float | None = None
        self._is_holding = False
        self._wanted = np.zeros(len(JOINTS))
        self._righting = np.zeros(len(JOINTS))
        self.reset()
        physics.before_step = self.servo

    def reset(self) -> None:
        """Holds the present pose at rest, with the gripper as it is and no stop in force."""
        self._reference = self._physics.data.qpos[self._qpos].copy()
        self._velocity = np.zeros(len(JOINTS))
        self._wanted = np.zeros(len(JOINTS))
        self._righting = np.zeros(len(JOINTS))
        self._stop_reason = None
        self._is_holding = False
        self._gripper_closed = self.state().gripper_closed
        self.servo()

    @property
    def limits(self) -> ArmLimits:
        """What the joints may do."""
        return self._limits

    @property
    def reference_rad(self) -> np.ndarray:
        """(joints,) angles that the servo holds or follows."""
        return np.array(self._reference)

    @property
    def stop_reason(self) -> str | None:
        """Why a stop is in force, else None."""
        return self._stop_reason

    def state(self) -> ArmState:
        """The latest measurement."""
        data = self._physics.data
        closed = float(np.clip(data.qpos[self._gripper_qpos] / GRIPPER_SHUT_RAD, 0, 1))
        return ArmState(
            time_s=float(data.time),
            position_rad=data.qpos[self._qpos].copy(),
            velocity_rad_s=data.qvel[self._dofs].copy(),
            gripper_closed=closed,
            is_stopped=self._stop_reason is not None,
        )

    def command_velocity(self, velocity_rad_s: np.ndarray) -> None:
        """Sets the joint velocities to keep until the next command."""
        self._wanted = self._checked(velocity_rad_s)
        is_moving = bool(np.any(self._wanted)) and self._stop_reason is None
        self._last_command_s = time.monotonic() if is_moving else None

    def command_righting(self, velocity_rad_s: np.ndarray) -> None:
        """Moves the arm (joints,) although it is stopped: for turning a vessel upright, only.

        Planners do not call it: the stop stays in force, `command_velocity` without effect.
        """
        self._righting = self._checked(velocity_rad_s)
        self._is_holding = False

    def command_gripper(self, closed: float) -> None:
        """Sets the wanted closing, unless a stop holds the gripper."""
        if not 0 <= closed <= 1:
            raise ArmCommandError(f"gripper {closed!r}: give 0 (open) to 1 (shut)")
        if self._stop_reason is None:
            self._gripper_closed = closed

    def stop(self, reason: str) -> None:
        """Brakes to rest, holds the pose and keeps the gripper as it is."""
        self._righting = np.zeros(len(JOINTS))
        self._stop_reason = reason
        self._last_command_s = None

    @property
    def last_command_s(self) -> float | None:
        """When the last command that moves the arm came (`time.monotonic`); None at rest."""
        return self._last_command_s

    def release_stop(self) -> None:
        """Takes commands again, from the pose that is held."""
        self._wanted = np.zeros(len(JOINTS))
        self._stop_reason = None
        self._is_holding = False

    def _checked(self, velocity_rad_s: np.ndarray) -> np.ndarray:
        velocity = np.asarray(velocity_rad_s, dtype=np.float64)
        if velocity.shape != (len(JOINTS),) or not np.isfinite(velocity).all():
            raise ArmCommandError(
                f"velocity {velocity_rad_s!r}: give {len(JOINTS)} finite numbers in rad/s"
            )
        limit = np.asarray(self._limits.velocity_rad_s)
        return np.clip(velocity, -limit, limit)

    def servo(self) -> None:
        """One step of the servo: ramp the velocity, move the reference, lead by the damping."""
        data = self._physics.data
        step_s = self._physics.timestep_s
        is_stopped = self._stop_reason is not None
        wanted = self._righting if is_stopped else self._wanted
        rate = np.asarray(self._limits.acceleration_rad_s2)
        most = (self._limits.stop_deceleration_rad_s2 if is_stopped else rate) * step_s
        change = wanted - self._velocity
        # All joints change in proportion: if one braked before the others, motions that cancel each
        # other at the hand would no longer do so, and the hand would speed up while braking.
        self._velocity = self._velocity + change / max(1.0, float(np.max(np.abs(change) / most)))
        measured = data.qpos[self._qpos]
        reference = self._reference + self._velocity * step_s
        self._reference = np.clip(reference, measured - MAX_LEAD_RAD, measured + MAX_LEAD_RAD)
        if is_stopped and not self._is_holding and not (self._velocity.any() or wanted.any()):
            # What the joint lags behind by would be caught up slowly: it is let go instead.
            self._reference, self._is_holding = measured.copy(), True
        lead = self._lead_per_velocity_s * self._velocity
        data.ctrl[self._actuators] = self._reference + lead
        data.ctrl[self._gripper_actuator] = self._gripper_closed * GRIPPER_SHUT_CONTROL
