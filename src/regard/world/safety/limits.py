"""The limits that protect the person, the table and the things on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from regard.common.errors import UserError


class SafetyLimitError(UserError):
    """A safety limit that is no positive number."""


@dataclass(frozen=True, kw_only=True)
class SafetyLimits:
    """Every limit has to be given: there is no default that a caller could forget."""

    near_person_speed_m_s: float
    """Highest speed of the hand near the person."""

    near_person_distance_m: float
    """Nearer than this to the person's head, torso or arms is near."""

    person_force_n: float
    """Highest force on the person, a hand-over included."""

    table_force_n: float
    """Highest force of arm or gripper on the table."""

    stop_within_s: float
    """From the stop to rest."""

    command_age_s: float
    """Oldest velocity command that is still followed; older means that the planner hangs."""

    def __post_init__(self) -> None:
        """Refuses what is no limit."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
                raise SafetyLimitError(f"{field.name} is {value!r}; give a positive number")


ASSISTIVE = SafetyLimits(
    # ISO 10218-1: reduced speed of the tool centre point is at most 250 mm/s.
    near_person_speed_m_s=0.25,
    # Stopping distance at 0.25 m/s within 0.1 s is 25 mm; the rest is reach of a startled arm.
    near_person_distance_m=0.35,
    # ISO/TS 15066 allows 65 N quasi-static on the face and 140 N on hands and chest: 15 N stays
    # far below every one of them.
    person_force_n=15.0,
    # A fifth of the 150 N that the UR5e's most restricted safety setting but one allows its tool.
    table_force_n=30.0,
    # A person notices a lag from about 100 ms.
    stop_within_s=0.1,
    # Five control steps of 20 ms.
    command_age_s=0.1,
)
"""For a seated person at a table."""
