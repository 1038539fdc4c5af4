"""Seam for a real arm: the contract over ros2_control. UNTESTED: no such arm was at hand.

For a Kinova Gen3 with `kortex_bringup`, or any arm with a velocity controller: subscribe to
`/joint_states` and hand every message to `note_joint_state`; give a `publish` that sends a list as
`std_msgs/Float64MultiArray` to `/forward_velocity_controller/commands`, and a `publish_gripper`
that sends the closing to the gripper's action. The driver's own watchdog and protective stop stay
on: this seam adds to them, it replaces none. `ArmKinematics` needs the arm's own MJCF besides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from regard.world.arm.contract import Arm, ArmLimits, ArmState
from regard.world.arm.errors import ArmCommandError


class Ros2Arm(Arm):
    """Publishes joint velocities; keeps no thread of its own."""

    def __init__(
        self,
        *,
        limits: ArmLimits,
        publish: Callable[[Sequence[float]], None],
        publish_gripper: Callable[[float], None],
    ) -> None:
        """Joins the arm to its topics.

        Args:
            limits: What the joints may do.
            publish: Sends joint velocities in rad/s.
            publish_gripper: Sends the wanted closing, 0 to 1.
        """
        self._limits = limits
        self._publish = publish
        self._publish_gripper = publish_gripper
        self._lock = threading.Lock()
        self._is_stopped = False
        self._state: ArmState | None = None

    @property
    def limits(self) -> ArmLimits:
        """What the joints may do."""
        return self._limits

    def note_joint_state(
        self, position_rad: Sequence[float], velocity_rad_s: Sequence[float], gripper_closed: float
    ) -> None:
        """Takes one measurement; call it from the subscription."""
        self._state = ArmState(
            time_s=time.monotonic(),
            position_rad=np.asarray(position_rad, dtype=np.float64),
            velocity_rad_s=np.asarray(velocity_rad_s, dtype=np.float64),
            gripper_closed=gripper_closed,
            is_stopped=self._is_stopped,
        )

    def state(self) -> ArmState:
        """The latest measurement.

        Raises:
            ArmCommandError: None came yet.
        """
        if self._state is None:
            raise ArmCommandError("no joint state came yet; is the arm's driver running?")
        return self._state

    def command_velocity(self, velocity_rad_s: np.ndarray) -> None:
        """Publishes the velocities, clipped to the limits; zero while a stop is in force."""
        velocity = np.asarray(velocity_rad_s, dtype=np.float64)
        limit = np.asarray(self._limits.velocity_rad_s)
        if velocity.shape != limit.shape or not np.isfinite(velocity).all():
            raise ArmCommandError(f"velocity {velocity_rad_s!r}: give {len(limit)} finite numbers")
        with self._lock:
            wanted = np.zeros_like(limit) if self._is_stopped else np.clip(velocity, -limit, limit)
            self._publish([float(value) for value in wanted])

    def command_gripper(self, closed: float) -> None:
        """Publishes the closing, unless a stop holds the gripper."""
        if not self._is_stopped:
            self._publish_gripper(closed)

    def stop(self, reason: str) -> None:
        """Publishes zero velocities from now on."""
        del reason
        with self._lock:
            self._is_stopped = True
            self._publish([0.0] * len(self._limits.velocity_rad_s))

    def release_stop(self) -> None:
        """Takes commands again."""
        self._is_stopped = False
