"""What changes from episode to episode, and between which bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from regard.cloth.engines.contract import ClothProperties
from regard.cloth.errors import ClothError

Bounds = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Bounds of what is drawn for each episode, uniformly and independently."""

    size: Bounds = (0.24, 0.30)
    """Edge of the cloth [m]."""

    areal_density: Bounds = (0.3, 0.6)
    """Mass for each area [kg/m^2]."""

    young: Bounds = (3e4, 1e5)
    """Young's modulus [Pa], drawn by its logarithm."""

    thickness: Bounds = (1.7e-3, 2.3e-3)
    """Thickness [m]."""

    friction: Bounds = (0.7, 1.1)
    """Coulomb coefficient."""

    shift: Bounds = (-0.03, 0.03)
    """Place of the cloth's centre, along each axis of the table [m]."""

    yaw_degrees: Bounds = (-20.0, 20.0)
    """Turn of the cloth for the folds [degrees]; flattening takes any."""

    observation_noise: Bounds = (0.002, 0.005)
    """Standard deviation of each observed coordinate [m]."""

    grasp_failure: Bounds = (0.0, 0.1)
    """Probability that a grasp closes on nothing."""

    grasp_offset: Bounds = (0.0, 0.005)
    """Standard deviation of the place where the gripper descends, along each axis [m]."""

    max_action_delay: int = 1
    """Longest delay of an action [control steps]; each whole number from 0 is as likely."""

    wrinkle_probability: float = 0.2
    """Share of the folds that start from a wrinkled cloth."""


TRAINING = Ranges()
"""What learners and the tuning of planners may see."""

HELD_OUT = Ranges(
    size=(0.30, 0.32),
    areal_density=(0.25, 0.3),
    young=(1e5, 1.3e5),
    thickness=(2.3e-3, 2.5e-3),
    friction=(1.1, 1.3),
    shift=(-0.05, 0.05),
    yaw_degrees=(20.0, 35.0),
    observation_noise=(0.005, 0.006),
)
"""For tests only: material, size, place and noise lie outside the training ranges."""

RANGES: Mapping[str, Ranges] = MappingProxyType({"training": TRAINING, "held-out": HELD_OUT})


def ranges_of(name: str) -> Ranges:
    """The ranges of that name.

    Raises:
        ClothError: There are none.
    """
    if name not in RANGES:
        raise ClothError(f"unknown ranges {name!r}; choose one of: {', '.join(RANGES)}")
    return RANGES[name]


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What holds in one episode."""

    properties: ClothProperties
    """The cloth and the table."""

    shift: Bounds
    """Place of the cloth's centre on the table, x and y [m]."""

    yaw: float
    """Turn of the cloth about the vertical [rad]."""

    observation_noise: float
    """Standard deviation of each observed coordinate [m]."""

    grasp_failure: float
    """Probability that a grasp closes on nothing."""

    grasp_offset: float
    """Standard deviation of the place where the gripper descends, along each axis [m]."""

    action_delay: int
    """Control steps between the choice of an action and its effect."""

    is_wrinkled: bool
    """Whether a fold starts from a wrinkled cloth."""


def draw_conditions(rng: np.random.Generator, ranges: Ranges, *, any_yaw: bool) -> Conditions:
    """Draws what holds in one episode.

    Args:
        rng: Source of chance.
        ranges: Bounds.
        any_yaw: Whether the cloth may lie turned in any way.
    """
    low, high = (-180.0, 180.0) if any_yaw else ranges.yaw_degrees
    sign = rng.choice((-1.0, 1.0))
    return Conditions(
        properties=ClothProperties(
            size=rng.uniform(*ranges.size),
            areal_density=rng.uniform(*ranges.areal_density),
            young=math.exp(rng.uniform(math.log(ranges.young[0]), math.log(ranges.young[1]))),
            thickness=rng.uniform(*ranges.thickness),
            friction=rng.uniform(*ranges.friction),
        ),
        shift=(rng.uniform(*ranges.shift), rng.uniform(*ranges.shift)),
        yaw=sign * math.radians(rng.uniform(low, high)),
        observation_noise=rng.uniform(*ranges.observation_noise),
        grasp_failure=rng.uniform(*ranges.grasp_failure),
        grasp_offset=rng.uniform(*ranges.grasp_offset),
        action_delay=int(rng.integers(ranges.max_action_delay + 1)),
        is_wrinkled=bool(rng.random() < ranges.wrinkle_probability),
    )
