"""Rectangles on the table."""

import math

import numpy as np
import pytest

from regard.world.objects.contract import Footprint
from regard.world.overlap import corners, rectangles_overlap

LONG = Footprint(-0.1, 0.1, -0.01, 0.01)


def at(x: float, y: float, degrees: float, margin: float = 0.0) -> np.ndarray:
    return corners(LONG, x_m=x, y_m=y, yaw_rad=math.radians(degrees), margin_m=margin)


@pytest.mark.parametrize(
    ("x", "y", "degrees", "overlaps"),
    [
        (0.0, 0.0, 90.0, True),
        (0.0, 0.03, 0.0, False),
        (0.0, 0.019, 0.0, True),
        # The circles round them overlap by far, the sticks do not.
        (0.10, 0.10, 45.0, False),
        (0.05, 0.05, 45.0, True),
        (0.0, 0.15, 90.0, False),
    ],
)
def test_sticks_overlap_only_where_they_touch(
    x: float, y: float, degrees: float, overlaps: bool
) -> None:
    assert rectangles_overlap(at(0, 0, 0), at(x, y, degrees)) is overlaps
    assert rectangles_overlap(at(x, y, degrees), at(0, 0, 0)) is overlaps


def test_a_margin_widens_every_side() -> None:
    assert not rectangles_overlap(at(0, 0, 0), at(0, 0.03, 0))
    assert rectangles_overlap(at(0, 0, 0, 0.006), at(0, 0.03, 0, 0.006))


def test_corners_turn_with_the_object() -> None:
    assert at(1.0, 2.0, 90.0)[1] == pytest.approx([1.01, 2.1])
