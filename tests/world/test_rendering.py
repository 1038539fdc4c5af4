"""Pictures of a scene."""

import os
from collections.abc import Iterator

import mujoco
import numpy as np
import pytest

from regard.common.errors import UserError
from regard.world.gl_context import RenderingError, choose_backend
from regard.world.rendering import PictureConfig, Renderer
from regard.world.scene import build_scene
from regard.world.scene_config import SceneConfig


def can_draw() -> bool:
    try:
        choose_backend(os.environ)
    except RenderingError:
        return False
    return True


pytestmark = pytest.mark.skipif(not can_draw(), reason="needs EGL or OSMesa")


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[Renderer, mujoco.MjModel, mujoco.MjData]]:
    config = SceneConfig(num_objects=2, required=("mug", "bowl"))
    model = build_scene(seed=1, config=config).spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    with Renderer(model, PictureConfig(width=160, height=120)) as renderer:
        yield renderer, model, data


@pytest.mark.parametrize("camera", ["person", "overview", "top", "close"])
def test_every_camera_sees_both_objects(
    camera: str, scene: tuple[Renderer, mujoco.MjModel, mujoco.MjData]
) -> None:
    renderer, model, data = scene
    bodies = renderer.body_ids(data, camera)
    assert bodies.shape == (120, 160)
    for name in ("mug_1/body", "bowl_1/body", "table"):
        assert (bodies == model.body(name).id).sum() > 10


def test_a_picture_has_colours_and_the_right_way_up(
    scene: tuple[Renderer, mujoco.MjModel, mujoco.MjData],
) -> None:
    renderer, model, data = scene
    picture = renderer.picture(data, "overview")
    assert picture.shape == (120, 160, 3)
    assert picture.std() > 20
    rows = np.nonzero(renderer.body_ids(data, "overview") == model.body("person").id)[0]
    table = np.nonzero(renderer.body_ids(data, "overview") == model.body("table").id)[0]
    assert rows.min() < table.min(), "the person's head is above the table"


def test_the_same_state_gives_the_same_picture_and_a_moved_one_another(
    scene: tuple[Renderer, mujoco.MjModel, mujoco.MjData],
) -> None:
    renderer, model, data = scene
    first = renderer.picture(data, "close")
    assert np.array_equal(first, renderer.picture(data, "close"))
    moved = mujoco.MjData(model)
    moved.qpos[model.joint("mug_1/free").qposadr[0] + 2] += 0.1
    mujoco.mj_forward(model, moved)
    assert not np.array_equal(first, renderer.picture(moved, "close"))


def test_an_unknown_camera_is_named_with_those_there_are(
    scene: tuple[Renderer, mujoco.MjModel, mujoco.MjData],
) -> None:
    renderer, _, data = scene
    with pytest.raises(UserError, match="no camera 'attic'; there are: person, overview"):
        renderer.picture(data, "attic")


@pytest.mark.parametrize("values", [{"width": 8}, {"height": 9000}, {"samples": 16}])
def test_sizes_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(UserError):
        PictureConfig(**values)
