"""Pictures show the cloth; without a display a window is refused in one line."""

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.envs import rendering
from regard.cloth.errors import ClothError

GRIPPER = np.array([0.3, 0.3, 0.1])


def blue_share(picture):
    blue = picture[..., 2].astype(int) - picture[..., 0] > 40
    return blue.mean()


def test_the_cloth_is_in_the_picture_and_its_sides_differ():
    flat = mesh.flat_positions(9, 0.3, height=0.003)
    upper = rendering.draw(flat, GRIPPER, False)
    assert upper.shape == (rendering.HEIGHT, rendering.WIDTH, 3)
    assert upper.dtype == np.uint8
    assert blue_share(upper) > 0.1
    assert blue_share(rendering.draw(flat * (-1, 1, 1), GRIPPER, False)) < 0.01


def test_a_raised_corner_hides_what_lies_behind():
    flat = mesh.flat_positions(9, 0.3, height=0.003)
    raised = flat.copy()
    raised[0, 2] = 0.2
    assert (rendering.draw(flat, GRIPPER, False) != rendering.draw(raised, GRIPPER, False)).any()


def test_a_broken_cloth_is_drawn_all_the_same():
    broken = np.full((81, 3), np.nan)
    assert rendering.draw(broken, GRIPPER, True).shape[2] == 3


def test_no_display_is_said_in_one_line(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    rendering._window.cache_clear()
    with pytest.raises(ClothError, match="no window can be opened"):
        rendering.show_in_window(np.zeros((4, 4, 3), np.uint8))
