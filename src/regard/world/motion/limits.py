"""An acceleration limit for mink, which has limits on position, velocity and collision only."""

from __future__ import annotations

import mink
import numpy as np
from mink.limits import Constraint


class AccelerationLimit(mink.Limit):
    """Keeps the joint velocity within reach of the one before: |v - v_before| <= a dt."""

    def __init__(self, *, acceleration_rad_s2: np.ndarray) -> None:
        """Limits every joint.

        Args:
            acceleration_rad_s2: (joints,).
        """
        self._acceleration = np.asarray(acceleration_rad_s2, dtype=np.float64)
        self._before = np.zeros_like(self._acceleration)

    def note(self, velocity_rad_s: np.ndarray) -> None:
        """Says which velocity (joints,) is being kept now."""
        self._before = np.asarray(velocity_rad_s, dtype=np.float64).copy()

    def compute_qp_inequalities(self, configuration: mink.Configuration, dt: float) -> Constraint:
        """Bounds the displacement v dt from both sides."""
        del configuration
        identity = np.eye(len(self._before))
        reach = self._acceleration * dt
        bound = np.concatenate([self._before + reach, reach - self._before]) * dt
        return Constraint(G=np.vstack([identity, -identity]), h=bound)
