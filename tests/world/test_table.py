"""The table."""

import mujoco
import numpy as np
import pytest

from regard.world.table import TABLE_TOP_Z_M, add_table, wood_pixels


def test_its_surface_is_where_the_constant_says() -> None:
    spec = mujoco.MjSpec()
    add_table(spec)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    top = data.geom("table").xpos[2] + model.geom("table").size[2]
    assert top == pytest.approx(TABLE_TOP_Z_M)


def test_wood_is_brown_grained_and_always_the_same() -> None:
    pixels = wood_pixels(64)
    assert pixels.shape == (64, 64, 3)
    red, green, blue = pixels.reshape(-1, 3).mean(axis=0)
    assert red > green > blue
    assert pixels.std(axis=(0, 1)).min() > 2
    assert np.array_equal(pixels, wood_pixels(64))
