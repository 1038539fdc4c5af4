"""Whether two rectangles on the table come closer than a gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.world.objects.contract import Footprint


def corners(
    footprint: Footprint, *, x_m: float, y_m: float, yaw_rad: float, margin_m: float = 0.0
) -> NDArray[np.float64]:
    """The corners of a footprint on the table.

    Args:
        footprint: In the object's frame.
        x_m: Where the object's origin stands.
        y_m: Where the object's origin stands.
        yaw_rad: Its rotation about the vertical.
        margin_m: Added on every side.

    Returns:
        (4, 2) positions in metres, in order round the rectangle.
    """
    x = np.array([footprint.x_min - margin_m, footprint.x_max + margin_m])
    y = np.array([footprint.y_min - margin_m, footprint.y_max + margin_m])
    local = np.array([[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]])
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    turned: NDArray[np.float64] = local @ rotation.T + np.array([x_m, y_m])
    return turned


def rectangles_overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether two rectangles share a point (separating axes).

    Args:
        first: (4, 2) corners, in order.
        second: (4, 2) corners, in order.
    """
    for rectangle in (first, second):
        for axis in (rectangle[1] - rectangle[0], rectangle[2] - rectangle[1]):
            one, other = first @ axis, second @ axis
            if one.max() < other.min() or other.max() < one.min():
                return False
    return True
