"""The acceleration limit."""

import numpy as np

from regard.world.motion.limits import AccelerationLimit


def test_the_next_velocity_is_bounded_on_both_sides() -> None:
    limit = AccelerationLimit(acceleration_rad_s2=np.array([2.0, 4.0]))
    limit.note(np.array([0.5, -0.5]))
    constraint = limit.compute_qp_inequalities(None, 0.1)  # type: ignore[arg-type]
    inside = np.array([0.5 + 0.19, -0.5 - 0.39]) * 0.1
    outside = np.array([0.5 + 0.21, -0.5]) * 0.1
    assert np.all(constraint.G @ inside <= constraint.h)
    assert not np.all(constraint.G @ outside <= constraint.h)
