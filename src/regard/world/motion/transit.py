"""Carries the hand over whatever stands between two poses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import mink
import numpy as np

from regard.world.arm.simulated import HOME_RAD
from regard.world.motion.clearance import Clearance
from regard.world.motion.kinematics import ArmKinematics
from regard.world.motion.path import Around, Path, Straight, shifted

RISES_M = (0.04, 0.10, 0.16, 0.22, 0.28)
"""How far above the higher of the two ends the hand may travel: the lowest clear one is taken."""
SAMPLES_M = 0.06


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the hand carries."""

    name: str
    """The object."""

    in_hand: mink.SE3
    """Its pose relative to the point between the pads."""


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
    ) -> list[Path] | None:
        """Up, over and down again by the lowest way that touches nothing; None if there is none.

        Args:
            start: Where the hand is.
            end: Where it is to be.
            seed_rad: (joints,) where the arm stands now.
            load: What it carries.
            ignore: What may be touched.
        """
        top = max(start.translation()[2], end.translation()[2])
        for rise in RISES_M:
            height = top + rise
            up = shifted(start, np.array([0, 0, height - start.translation()[2]]))
            above = shifted(end, np.array([0, 0, height - end.translation()[2]]))
            over = Around(up, above, self._centre)
            paths: list[Path] = [Straight(start, up), over, Straight(above, end)]
            if self.is_clear(paths, seed_rad=seed_rad, load=load, ignore=ignore):
                return paths
        return None

    def is_clear(
        self,
        paths: Iterable[Path],
        *,
        seed_rad: np.ndarray,
        load: Load | None,
        ignore: Iterable[str] = (),
        skip_first: bool = True,
    ) -> bool:
        """Whether the arm can follow paths without touching anything.

        The first pose is not looked at where `skip_first`: the arm stands there already.
        """
        joints, ignored = seed_rad, set(ignore)
        held = None if load is None else (load.name, load.in_hand)
        for index, path in enumerate(paths):
            num = max(1, round(path.length_m / SAMPLES_M))
            shares = [step / num for step in range(1, num + 1)]
            if index == 0 and not skip_first:
                shares.insert(0, 0.0)
            for share in shares:
                found = self._kinematics.solve(path.at(share), seed_rad=joints)
                if found is None:
                    return False
                joints = found
                if self._clearance.touched(joints, held=held, ignore=ignored):
                    return False
        return True

    def _seed(self, hand: mink.SE3) -> np.ndarray:
        """Home, turned towards the hand, the wrist pitched as the hand is."""
        x, y, _ = hand.translation()
        turn = np.arctan2(float(y) - self._centre[1], float(x) - self._centre[0]) - np.pi
        seed = np.array(HOME_RAD)
        seed[0] += np.arctan2(np.sin(turn), np.cos(turn))
        downward = -hand.rotation().as_matrix()[2, 2]
        seed[3] += np.arccos(np.clip(downward, 0, 1))
        return seed
