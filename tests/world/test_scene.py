"""Whole scenes."""

import mujoco
import numpy as np
import pytest

from regard.world.objects.contract import Affordance
from regard.world.scene import build_scene
from regard.world.scene_config import SceneConfig


def compiled(seed: int, num_objects: int = 10) -> tuple[mujoco.MjModel, mujoco.MjData]:
    model = build_scene(seed=seed, config=SceneConfig(num_objects=num_objects)).spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def test_one_seed_gives_one_simulation_to_the_last_bit() -> None:
    ends = []
    for _ in range(2):
        model, data = compiled(3)
        mujoco.mj_step(model, data, nstep=400)
        ends.append(data.qpos.copy())
    assert np.array_equal(*ends)


@pytest.mark.parametrize("seed", range(4))
def test_no_two_objects_touch_and_none_starts_in_the_table(seed: int) -> None:
    model, data = compiled(seed)
    mujoco.mj_step(model, data, nstep=100)
    roots = model.body_rootid
    for contact in data.contact:
        first, second = (model.body(roots[model.geom_bodyid[g]]).name for g in contact.geom)
        owners = {name.split("/")[0] for name in (first, second)} - {"world", "table"}
        assert len(owners) == 1, f"{first} touches {second}"
        assert contact.dist > -0.001


def test_what_rests_falls_asleep_and_wakes_when_it_is_pushed() -> None:
    scene = build_scene(seed=0, config=SceneConfig(num_objects=2, required=("mug", "bowl")))
    model = scene.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, nstep=1500)
    assert data.ncon == 0
    before = data.body("mug_1/body").xpos.copy()
    data.xfrc_applied[model.body("mug_1/body").id, 1] = 2.0
    mujoco.mj_step(model, data, nstep=100)
    assert np.linalg.norm(data.body("mug_1/body").xpos - before) > 0.01


def test_objects_are_found_by_what_they_afford() -> None:
    config = SceneConfig(num_objects=3, required=("mug", "lamp", "kettle"))
    scene = build_scene(seed=2, config=config)
    assert [each.name for each in scene.affording(Affordance.PRESS)] == ["lamp_1"]
    assert [each.name for each in scene.affording(Affordance.POUR)] == ["kettle_1"]


def test_every_kind_of_instance_is_in_the_model_with_the_step_asked_for() -> None:
    scene = build_scene(seed=1, config=SceneConfig(num_objects=6, timestep_s=0.001))
    model = scene.spec.compile()
    assert model.opt.timestep == 0.001
    for instance in scene.instances.values():
        assert model.body(instance.body).id > 0
