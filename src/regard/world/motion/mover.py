"""Moves the hand along paths, one control step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mink
import numpy as np

from regard.world.arm.simulated import SimulatedArm
from regard.world.clock import Clock
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.kinematics import ArmKinematics
from regard.world.motion.path import Pace, Path, share_at
from regard.world.physics import PhysicsError
from regard.world.safety.guard import Guard

CONTROL_STEP_S = 0.02
ARRIVED_M = 0.003
ARRIVED_RAD = 0.02
NEAR_ENOUGH_M = 0.012
NEAR_ENOUGH_RAD = 0.08
SETTLE_S = 0.6
LAG_M = 0.02
LAG_RAD = 0.15
STALL_S = 1.0
STILL_RAD_S = 0.05
PATIENCE = 6.0
"""A motion may take so many times as long as planned where the guard slows it."""
BLOCKED_RAD = 0.015
BLOCKED_S = 0.3

Condition = Callable[[], bool]
"""Asked after every control step; True ends the motion."""


class Mover:
    """The only way a skill moves the arm: every step passes the guard and can be cancelled."""

    def __init__(
        self,
        arm: SimulatedArm,
        kinematics: ArmKinematics,
        *,
        guard: Guard,
        clock: Clock,
        interrupt: Callable[[], None],
    ) -> None:
        """Joins the parts.

        Args:
            arm: What moves.
            kinematics: Its inverse kinematics.
            guard: Watches speed and force.
            clock: Lets time pass.
            interrupt: Called at every step; raises `SkillFailure` when the skill is cancelled.
        """
        self._arm = arm
        self._kinematics = kinematics
        self._guard = guard
        self._clock = clock
        self._interrupt = interrupt

    @property
    def kinematics(self) -> ArmKinematics:
        """The inverse kinematics."""
        return self._kinematics

    def hand(self) -> mink.SE3:
        """Where the hand is commanded to be now."""
        self._kinematics.configure(self._arm.reference_rad)
        return self._kinematics.tcp()

    def follow(self, path: Path, *, pace: Pace, until: Condition | None = None) -> bool:
        """Moves along a path, slower where a limit asks for it.

        Args:
            path: The way.
            pace: How fast.
            until: Ends the motion early.

        Returns:
            Whether `until` ended it.

        Raises:
            SkillFailure: Unreachable, blocked, a force limit, a stop or a cancel; the arm rests.
        """
        try:
            return self._follow(path, pace=pace, until=until)
        finally:
            self.rest()

    def can_follow(self, paths: Iterable[Path], *, pace: Pace) -> bool:
        """Whether the hand would come to the end of paths, one after the other, from where it is.

        A pose that has a solution may still not be come to: beside a joint's limit or the arm's own
        trunk the way there bends into another posture. Nothing moves; obstacles are not looked at.
        """
        kinematics = self._kinematics
        kinematics.configure(self._arm.reference_rad)
        try:
            return all(self._arrives(path, pace=pace) for path in paths)
        finally:
            kinematics.configure(self._arm.reference_rad)

    def _arrives(self, path: Path, *, pace: Pace) -> bool:
        duration = pace.duration_s(path)
        time_s, stalled_s = 0.0, 0.0
        while time_s < duration + SETTLE_S and stalled_s < STALL_S:
            target = path.at(share_at(time_s + CONTROL_STEP_S, duration_s=duration))
            self._kinematics.step(target, step_s=CONTROL_STEP_S)
            distance, angle = self._kinematics.error(target)
            if distance > LAG_M or angle > LAG_RAD:
                stalled_s += CONTROL_STEP_S
                continue
            time_s += CONTROL_STEP_S
            if time_s >= duration and distance < ARRIVED_M and angle < ARRIVED_RAD:
                break
        distance, angle = self._kinematics.error(path.at(1.0))
        return distance <= NEAR_ENOUGH_M and angle <= NEAR_ENOUGH_RAD

    def wait(self, seconds: float, *, until: Condition | None = None) -> bool:
        """Keeps the pose for a time; returns whether `until` ended it."""
        for _ in range(max(1, round(seconds / CONTROL_STEP_S))):
            self._tick(np.zeros(len(self._arm.limits.velocity_rad_s)))
            if until is not None and until():
                return True
        return False

    def grip(self, closed: float, *, seconds: float, until: Condition | None = None) -> bool:
        """Commands the gripper and keeps the pose for a time."""
        self._arm.command_gripper(closed)
        return self.wait(seconds, until=until)

    def nudge(self, target: mink.SE3) -> None:
        """One control step towards a pose; for motions that feel their way. End with `rest`."""
        self._resync()
        self._move_towards(target)

    def rest(self) -> None:
        """Commands zero velocity."""
        self._arm.command_velocity(np.zeros(len(self._arm.limits.velocity_rad_s)))

    def _follow(self, path: Path, *, pace: Pace, until: Condition | None) -> bool:
        self._kinematics.configure(self._arm.reference_rad)
        duration = pace.duration_s(path)
        time_s = stalled_s = blocked_s = 0.0
        end = duration + SETTLE_S
        patience_s = PATIENCE * duration + SETTLE_S + STALL_S
        while time_s < end and patience_s > 0:
            patience_s -= CONTROL_STEP_S
            target = path.at(share_at(time_s + CONTROL_STEP_S, duration_s=duration))
            speed = self._move_towards(target)
            if until is not None and until():
                return True
            distance, angle = self._kinematics.error(target)
            if distance > LAG_M or angle > LAG_RAD:
                stalled_s = stalled_s + CONTROL_STEP_S if speed < STILL_RAD_S else 0.0
                if stalled_s > STALL_S:
                    break
            else:
                time_s += CONTROL_STEP_S
            if time_s >= duration and distance < ARRIVED_M and angle < ARRIVED_RAD:
                break
            blocked_s = blocked_s + CONTROL_STEP_S if self._resync() else 0.0
            if blocked_s > BLOCKED_S:
                raise SkillFailure(FailureKind.BLOCKED, "something holds the arm back")
        self._check_arrival(path)
        return False

    def _move_towards(self, target: mink.SE3) -> float:
        """One control step, as slow as the guard wants it; returns the fastest joint's speed."""
        before = self._kinematics.joints_rad
        wanted = self._kinematics.step(target, step_s=CONTROL_STEP_S)
        velocity = self._guard.govern(wanted)
        if velocity is not wanted:
            self._kinematics.move_from(before, velocity, step_s=CONTROL_STEP_S)
        self._tick(velocity)
        return float(np.abs(velocity).max())

    def _resync(self) -> bool:
        """Begins anew from where the arm is, if it does not follow."""
        behind = np.abs(self._arm.reference_rad - self._kinematics.joints_rad).max()
        if behind < BLOCKED_RAD:
            return False
        self._kinematics.configure(self._arm.reference_rad)
        return True

    def _check_arrival(self, path: Path) -> None:
        distance, angle = self._kinematics.error(path.at(1.0))
        if distance > NEAR_ENOUGH_M or angle > NEAR_ENOUGH_RAD:
            raise SkillFailure(
                FailureKind.UNREACHABLE,
                f"the hand stopped {distance * 100:.0f} cm and {np.degrees(angle):.0f} degrees "
                "from where it should be",
            )

    def _tick(self, velocity_rad_s: np.ndarray) -> None:
        """One control step: ask, command, let time pass, check."""
        self._interrupt()
        if self._arm.stop_reason is not None:
            raise SkillFailure(FailureKind.STOPPED, f"stopped: {self._arm.stop_reason}")
        self._arm.command_velocity(velocity_rad_s)
        try:
            self._clock.advance(CONTROL_STEP_S)
        except PhysicsError as error:
            self._arm.stop("the simulated state is not finite")
            raise SkillFailure(FailureKind.NOT_FINITE, str(error)) from error
        self._guard.check()
