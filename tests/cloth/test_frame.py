"""The policy's frame: there and back, and found from the cloth."""

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.frame import Frame, fitted_frame

FRAME = Frame(np.array([0.02, -0.01, 0.0]), 0.6, 0.27)


def test_points_go_to_the_table_and_back():
    points = np.random.default_rng(0).normal(size=(4, 3))
    assert FRAME.from_table(FRAME.to_table(points)) == pytest.approx(points)


def test_a_quarter_turn_leads_x_to_y():
    turned = Frame(np.zeros(3), np.pi / 2, 1.0).turned(np.array([1.0, 0.0, 0.5]))
    assert turned == pytest.approx([0, 1, 0.5])


@pytest.mark.parametrize("yaw", [-3.0, -0.4, 0.0, 1.7])
def test_the_frame_of_a_flat_cloth_is_found(yaw):
    wanted = Frame(np.array([0.02, -0.01, 0.0]), yaw, 1.0)
    found = fitted_frame(wanted.to_table(mesh.flat_positions(9, 0.27)), 0.27)
    assert found.yaw == pytest.approx(yaw)
    assert found.origin == pytest.approx(wanted.origin)
    assert found.unit == 0.27
