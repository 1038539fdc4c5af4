"""Carries the hand over whatever stands between two poses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import mink
import numpy as np

from regard.world.motion.clearance import Clearance
from regard.world.motion.kinematics import ArmKinematics
from regard.world.motion.path import Around, Path, Straight, shifted

SEED_RAD = (0.0, -1.9, 2.0, -1.67, -1.5708, 0.0)
"""Elbow up, the hand 27 cm above the table: nearer to where it works than where it waits."""
RISES_M = (0.04, 0.10, 0.16, 0.22, 0.28)
"""How far above the higher of the two ends the hand may travel: the lowest clear one is taken."""
SAMPLES_M = 0.06
SAMPLES_RAD = 0.5
CLOSE_SAMPLES_M = 0.025
ROOM_M = 0.02
"""What a load is carried past at least, where it can be: it may hang askew in the fingers."""
MAX_JUMP_RAD = 1.2
"""Farther between two samples, the arm would have to fold over on the way."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the hand carries."""

    name: str
    """The object."""

    in_hand: mink.SE3
    """Its pose relative to the point between the pads."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """Paths that touch nothing, and how the arm stands at their end."""

    paths: list[Path]
    """One after the other."""

    joints_rad: np.ndarray
    """(joints,) at the end."""


class Transit:
    """Finds ways for the hand that touch nothing."""

    def __init__(
        self, kinematics: ArmKinematics, clearance: Clearance, *, centre_m: tuple[float, float]
    ) -> None:
        """Plans for one arm.

        Args:
            kinematics: Its inverse kinematics.
            clearance: Says what would be touched.
            centre_m: Where its base stands, x and y.
        """
        self._kinematics = kinematics
        self._clearance = clearance
        self._centre = centre_m

    def solve(self, hand: mink.SE3, *, seed_rad: np.ndarray | None = None) -> np.ndarray | None:
        """Joint angles (joints,) for a pose of the hand, from a given and a general seed."""
        if seed_rad is not None:
            found = self._kinematics.solve(hand, seed_rad=seed_rad)
            if found is not None:
                return found
        return self._kinematics.solve(hand, seed_rad=self._seed(hand))

    def over(
        self,
        start: mink.SE3,
        end: mink.SE3,
        *,
        seed_rad: np.ndarray,
        load: Load | None,
        ignore: Iterable[str] = (),
    ) -> Way | None:
        """Up, over and down again by the lowest way that touches nothing; None if there is none.

        With a load the one that passes the fewest things nearer than `ROOM_M`.

        Args:
            start: Where the hand is.
            end: Where it is to be.
            seed_rad: (joints,) where the arm stands now.
            load: What it carries.
            ignore: What may be touched.
        """
        top = max(start.translation()[2], end.translation()[2])
        best, least = None, 0
        for rise in RISES_M:
            height = top + rise
            up = shifted(start, np.array([0, 0, height - start.translation()[2]]))
            above = shifted(end, np.array([0, 0, height - end.translation()[2]]))
            over = Around(up, above, self._centre)
            paths: list[Path] = [Straight(start, up), over, Straight(above, end)]
            joints = self.walk(paths, seed_rad=seed_rad, load=load, ignore=ignore)
            if joints is None:
                continue
            way = Way(paths=paths, joints_rad=joints)
            num_near = 0
            if load is not None:
                num_near = self._count_near(paths[:2], seed_rad=seed_rad, load=load, ignore=ignore)
            if num_near == 0:
                return way
            if best is None or num_near < least:
                best, least = way, num_near
        return best

    def _count_near(
        self, paths: list[Path], *, seed_rad: np.ndarray, load: Load, ignore: Iterable[str]
    ) -> int:
        """At how many places on the way over a load, which may hang askew, comes near a thing."""
        up, over = paths
        joints: np.ndarray | None = self._kinematics.solve(up.at(1.0), seed_rad=seed_rad)
        num, num_near = max(1, round(over.length_m / CLOSE_SAMPLES_M)), 0
        for step in range(num + 1):
            if joints is not None:
                joints = self._kinematics.solve(over.at(step / num), seed_rad=joints)
            if joints is None:
                return num_near + num + 1 - step
            held = (load.name, load.in_hand)
            num_near += bool(
                self._clearance.touched(joints, held=held, ignore=ignore, room_m=ROOM_M)
            )
        return num_near

    def walk(
        self,
        paths: Iterable[Path],
        *,
        seed_rad: np.ndarray,
        load: Load | None,
        ignore: Iterable[str] = (),
    ) -> np.ndarray | None:
        """Joint angles (joints,) at the end of paths that touch nothing; None where they do.

        The very first pose is not looked at: the arm stands there already.
        """
        joints, ignored = seed_rad, set(ignore)
        held = None if load is None else (load.name, load.in_hand)
        for path in paths:
            num = max(1, round(path.length_m / SAMPLES_M), round(path.angle_rad / SAMPLES_RAD))
            for step in range(1, num + 1):
                found = self._kinematics.solve(path.at(step / num), seed_rad=joints)
                if found is None or np.abs(found - joints).max() > MAX_JUMP_RAD:
                    return None
                joints = found
                if self._clearance.touched(joints, held=held, ignore=ignored):
                    return None
        return joints

    def _seed(self, hand: mink.SE3) -> np.ndarray:
        """A hand over the table, turned towards the hand, the wrist pitched as the hand is."""
        x, y, _ = hand.translation()
        turn = np.arctan2(float(y) - self._centre[1], float(x) - self._centre[0]) - np.pi
        seed = np.array(SEED_RAD)
        seed[0] += np.arctan2(np.sin(turn), np.cos(turn))
        downward = -hand.rotation().as_matrix()[2, 2]
        seed[3] += np.arccos(np.clip(downward, 0, 1))
        return seed
