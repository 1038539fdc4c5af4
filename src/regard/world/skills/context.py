"""What a skill works with while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import mink
import numpy as np

from regard.world.clock import Clock
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.mover import Mover
from regard.world.motion.path import Pace, Path, Straight, pose, shifted
from regard.world.motion.transit import Load, Transit
from regard.world.skills.perception import Perception
from regard.world.world import ARM_BASE_M, World

TRAVEL = Pace(speed_m_s=0.45, turn_rad_s=1.6)
CARRY = Pace(speed_m_s=0.30, turn_rad_s=1.0)
APPROACH = Pace(speed_m_s=0.12, turn_rad_s=0.8)
GENTLE = Pace(speed_m_s=0.05, turn_rad_s=0.4)

OPEN = 0.0
SHUT = 1.0
GRIP_S = 0.8
RELEASE_S = 0.5

ProgressCallback = Callable[[float, str], None]
"""Gets the share done, 0 to 1, and what is being done."""


class SkillContext:
    """World, motion, perception, cancel and progress of one running skill."""

    def __init__(
        self,
        world: World,
        *,
        clock: Clock,
        perception: Perception,
        report: ProgressCallback,
    ) -> None:
        """Joins the parts.

        Args:
            world: Where it happens.
            clock: Lets time pass.
            perception: Where things are believed to be.
            report: Gets the progress.
        """
        self.world = world
        self.clock = clock
        self.perception = perception
        self.report = report
        self._cancelled = threading.Event()
        self.mover = Mover(
            world.arm,
            world.kinematics,
            guard=world.guard,
            clock=clock,
            interrupt=self._raise_if_cancelled,
        )
        self.transit = Transit(world.kinematics, world.clearance, centre_m=ARM_BASE_M[:2])

    def cancel(self) -> None:
        """Ends the skill at its next control step; may be called from any thread."""
        self._cancelled.set()

    def clear_cancel(self) -> None:
        """Lets the next skill begin."""
        self._cancelled.clear()

    def look_around(self) -> dict[str, mink.SE3]:
        """Believed poses of all objects; obstacles are taken to be there."""
        held = self.world.holding()
        believed = {
            name: self.perception.look(name)
            for name, instance in self.world.instances.items()
            if not instance.spec.is_fixed and name != held
        }
        self.world.clearance.refresh(believed)
        return believed

    def load(self) -> Load | None:
        """What the hand carries, as it is seen now."""
        name = self.world.holding()
        if name is None:
            return None
        site = self.world.physics.site_pose("arm/gripper/tcp")
        hand = pose(site.position_m, site.rotation)
        return Load(name=name, in_hand=hand.inverse() @ self.perception.look(name))

    def joints(self) -> np.ndarray:
        """(joints,) where the arm is commanded to stand."""
        return self.world.arm.reference_rad

    def travel(self, end: mink.SE3, *, pace: Pace, ignore: tuple[str, ...] = ()) -> None:
        """Carries the hand over everything to a pose.

        Raises:
            SkillFailure: There is no way, or the motion failed.
        """
        load = self.load()
        start = self.mover.hand()
        # What the hand holds may still touch what it was taken from.
        way = self.transit.over(start, end, seed_rad=self.joints(), load=load, ignore=ignore)
        if way is None:
            raise SkillFailure(FailureKind.BLOCKED, "there is no free way for the hand")
        self.follow(way.paths, pace=pace)

    def follow(self, paths: list[Path], *, pace: Pace) -> None:
        """Follows paths one after the other, those without length left out."""
        for path in paths:
            if path.length_m > 1e-4 or path.angle_rad > 1e-3:
                self.mover.follow(path, pace=pace)

    def shift(self, offset_m: np.ndarray, *, pace: Pace) -> None:
        """Moves the hand by an offset (3,) in the world's axes."""
        start = self.mover.hand()
        self.mover.follow(Straight(start, shifted(start, offset_m)), pace=pace)

    def withdraw(self, offset_m: np.ndarray, *, pace: Pace) -> None:
        """Moves the hand by an offset (3,), as far as the arm reaches."""
        try:
            self.shift(offset_m, pace=pace)
        except SkillFailure as failure:
            if failure.kind is not FailureKind.UNREACHABLE:
                raise

    def _raise_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise SkillFailure(FailureKind.CANCELLED, "cancelled; the arm holds its pose")
