"""Paths of the hand: where it is at each share of the way, and how fast it goes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import mink
import numpy as np

RAMP_S = 0.35
"""Time to come to full speed, and to brake."""


def pose(position_m: np.ndarray, rotation: np.ndarray) -> mink.SE3:
    """A pose from a position (3,) and a rotation matrix (3, 3)."""
    return mink.SE3.from_rotation_and_translation(
        mink.SO3.from_matrix(np.asarray(rotation, dtype=np.float64)),
        np.asarray(position_m, dtype=np.float64),
    )


def shifted(start: mink.SE3, offset_m: np.ndarray) -> mink.SE3:
    """A pose moved by an offset (3,) in the world's axes."""
    return mink.SE3.from_rotation_and_translation(
        start.rotation(), start.translation() + np.asarray(offset_m)
    )


class Path(ABC):
    """A way from one pose to another."""

    @abstractmethod
    def at(self, share: float) -> mink.SE3:
        """The pose at a share of the way, 0 to 1."""

    @property
    @abstractmethod
    def length_m(self) -> float:
        """How far the hand travels."""

    @property
    @abstractmethod
    def angle_rad(self) -> float:
        """How far the hand turns."""


@dataclass(frozen=True)
class Straight(Path):
    """A straight line, the hand turning evenly."""

    start: mink.SE3
    """Where it begins."""

    end: mink.SE3
    """Where it ends."""

    def at(self, share: float) -> mink.SE3:
        """The pose at a share of the way."""
        before, after = self.start.translation(), self.end.translation()
        rotation = self.start.rotation().interpolate(self.end.rotation(), alpha=share)
        return mink.SE3.from_rotation_and_translation(rotation, before + share * (after - before))

    @property
    def length_m(self) -> float:
        """How far the hand travels."""
        return float(np.linalg.norm(self.end.translation() - self.start.translation()))

    @property
    def angle_rad(self) -> float:
        """How far the hand turns."""
        turn = self.start.rotation().inverse() @ self.end.rotation()
        return float(np.linalg.norm(turn.log()))


@dataclass(frozen=True)
class Around(Path):
    """An arc about the arm's base: distance from it, direction and height change evenly.

    A straight line would lead through the arm's own base where the two ends lie on either side.
    """

    start: mink.SE3
    """Where it begins."""

    end: mink.SE3
    """Where it ends."""

    centre_m: tuple[float, float]
    """Base of the arm, x and y."""

    def at(self, share: float) -> mink.SE3:
        """The pose at a share of the way."""
        (radius, angle), (radius_end, turn) = self._polar(self.start), self._polar(self.end)
        height, height_end = self.start.translation()[2], self.end.translation()[2]
        turn = math.remainder(turn - angle, 2 * math.pi)
        radius += share * (radius_end - radius)
        direction = angle + share * turn
        position = np.array(
            [
                self.centre_m[0] + radius * math.cos(direction),
                self.centre_m[1] + radius * math.sin(direction),
                height + share * (height_end - height),
            ]
        )
        rotation = self.start.rotation().interpolate(self.end.rotation(), alpha=share)
        return mink.SE3.from_rotation_and_translation(rotation, position)

    @property
    def length_m(self) -> float:
        """How far the hand travels, by 16 chords."""
        points = np.array([self.at(share).translation() for share in np.linspace(0, 1, 17)])
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())

    @property
    def angle_rad(self) -> float:
        """How far the hand turns."""
        return Straight(self.start, self.end).angle_rad

    def _polar(self, place: mink.SE3) -> tuple[float, float]:
        x, y, _ = place.translation()
        x, y = float(x) - self.centre_m[0], float(y) - self.centre_m[1]
        return math.hypot(x, y), math.atan2(y, x)


@dataclass(frozen=True)
class Tilt(Path):
    """A turn about a fixed axis through a fixed point, as a spout's tip while pouring."""

    start: mink.SE3
    """Where it begins."""

    pivot_m: np.ndarray
    """(3,) the point that stays."""

    axis: np.ndarray
    """(3,) unit vector of the axis, in the world."""

    turn_rad: float
    """How far, right-handed."""

    hand_share: float = 1.0
    """How much of the turn the hand makes itself; what it holds pivots for the rest."""

    def at(self, share: float) -> mink.SE3:
        """The pose at a share of the way."""
        whole = np.asarray(self.axis) * self.turn_rad * share
        turn, hand_turn = mink.SO3.exp(whole), mink.SO3.exp(whole * self.hand_share)
        offset = self.start.translation() - self.pivot_m
        return mink.SE3.from_rotation_and_translation(
            hand_turn @ self.start.rotation(), self.pivot_m + turn.apply(offset)
        )

    @property
    def length_m(self) -> float:
        """How far the hand travels."""
        offset = self.start.translation() - self.pivot_m
        across = offset - np.dot(offset, self.axis) * np.asarray(self.axis)
        return float(np.linalg.norm(across) * abs(self.turn_rad))

    @property
    def angle_rad(self) -> float:
        """How far the hand turns."""
        return abs(self.turn_rad)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast the hand may go."""

    speed_m_s: float
    """Along the way."""

    turn_rad_s: float
    """Turning."""

    def duration_s(self, path: Path) -> float:
        """Time for a path, ramps included."""
        return max(path.length_m / self.speed_m_s, path.angle_rad / self.turn_rad_s) + RAMP_S


def share_at(time_s: float, *, duration_s: float) -> float:
    """Share of the way after a time: even speed between two ramps of constant acceleration."""
    ramp = min(RAMP_S, duration_s / 2)
    top = 1 / (duration_s - ramp)
    if time_s <= 0:
        return 0.0
    if time_s < ramp:
        return top * time_s**2 / (2 * ramp)
    if time_s < duration_s - ramp:
        return top * (time_s - ramp / 2)
    if time_s < duration_s:
        return 1 - top * (duration_s - time_s) ** 2 / (2 * ramp)
    return 1.0
