"""What any arm must be able to do to be driven by the skills."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ArmLimits:
    """What the joints may do."""

    lower_rad: tuple[float, ...]
    """Lowest angle of each joint."""

    upper_rad: tuple[float, ...]
    """Highest angle of each joint."""

    velocity_rad_s: tuple[float, ...]
    """Highest speed of each joint."""

    acceleration_rad_s2: tuple[float, ...]
    """Highest acceleration of each joint in ordinary motion; a stop may brake harder."""

    stop_deceleration_rad_s2: float
    """How hard a stop brakes every joint."""


@dataclass(frozen=True, kw_only=True)
class ArmState:
    """What the arm measures at one moment."""

    time_s: float
    """Clock of the arm, in seconds that never go back."""

    position_rad: np.ndarray
    """(joints,) measured angles."""

    velocity_rad_s: np.ndarray
    """(joints,) measured speeds."""

    gripper_closed: float
    """Measured: 0 open, 1 shut."""

    is_stopped: bool
    """A stop is in force; velocity commands are ignored until it is released."""


class Arm(ABC):
    """An arm with a two-finger gripper that takes joint velocities.

    `stop` may be called from any thread at any moment, and must not wait for another.
    """

    @property
    @abstractmethod
    def limits(self) -> ArmLimits:
        """What the joints may do."""

    @abstractmethod
    def state(self) -> ArmState:
        """The latest measurement."""

    @abstractmethod
    def command_velocity(self, velocity_rad_s: np.ndarray) -> None:
        """Sets the joint velocities to keep until the next command.

        Args:
            velocity_rad_s: (joints,); the arm clips it to its limits.

        Raises:
            ArmCommandError: The shape is wrong or a value is not finite.
        """

    @abstractmethod
    def command_gripper(self, closed: float) -> None:
        """Sets the wanted closing: 0 open, 1 shut (it presses with its own limited force)."""

    @abstractmethod
    def stop(self, reason: str) -> None:
        """Brakes to rest, holds the pose and keeps the gripper as it is."""

    @abstractmethod
    def release_stop(self) -> None:
        """Takes commands again, from the pose that is held."""
