"""The cameras."""

import mujoco
import numpy as np
import pytest

from regard.world.cameras import CAMERAS, add_cameras


@pytest.mark.parametrize("name", CAMERAS)
def test_a_camera_looks_at_its_target_with_the_horizon_level(name: str) -> None:
    spec = mujoco.MjSpec()
    add_cameras(spec)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    right, up, backward = data.camera(name).xmat.reshape(3, 3).T
    towards = np.subtract(CAMERAS[name].target_m, CAMERAS[name].position_m)
    assert -backward == pytest.approx(towards / np.linalg.norm(towards), abs=1e-6)
    assert right[2] == pytest.approx(0.0, abs=1e-6)
    assert up[2] >= 0
