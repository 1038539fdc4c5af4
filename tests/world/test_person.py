"""The seated person."""

import mujoco
import numpy as np
import pytest

from regard.world.layout import generate_layout
from regard.world.person import EYES_M, HANDOVER_M, PREFIX
from regard.world.scene import assemble
from regard.world.scene_config import SceneConfig


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    layout = generate_layout(SceneConfig(num_objects=0, num_look_alike_pairs=0), seed=0)
    return assemble(layout, timestep_s=0.002).spec.compile()


def test_head_torso_and_arms_are_keep_out_volumes_by_name(model: mujoco.MjModel) -> None:
    names = {model.geom(index).name for index in range(model.ngeom)}
    for part in ("head", "torso", "shoulders", "arm_left_lower", "arm_right_upper"):
        assert PREFIX + part in names
        assert model.geom(PREFIX + part).contype[0]


def test_eyes_are_as_far_from_the_objects_as_a_reader_sits(model: mujoco.MjModel) -> None:
    config = SceneConfig()
    for x in config.area_x_m:
        distance = np.linalg.norm(np.subtract(EYES_M, (x, 0.0, 0.72)))
        assert 0.45 < distance < 0.9


def test_things_are_handed_over_clear_of_the_body(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.site("handover").xpos == pytest.approx(HANDOVER_M)
    torso = data.geom("person_torso").xpos
    assert HANDOVER_M[0] - torso[0] - model.geom("person_torso").size[0] > 0.15
