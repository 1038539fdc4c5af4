"""Object files become parts of a scene."""

from dataclasses import replace
from pathlib import Path

import mujoco
import pytest

from regard.world.colours import COLOURS
from regard.world.objects.contract import Instance, ObjectFileError
from regard.world.objects.loading import attach_object, load_object
from regard.world.objects.registry import all_objects


def mug(file: Path | None = None) -> Instance:
    spec = all_objects()["mug"]
    return Instance(name="mug_1", spec=replace(spec, file=file or spec.file), colour="red")


def test_an_object_takes_the_colour_of_its_instance() -> None:
    assert load_object(mug()).material("tint").rgba == pytest.approx(COLOURS["red"])


def test_an_object_stands_where_it_is_put_under_its_own_name() -> None:
    scene = mujoco.MjSpec()
    attach_object(scene, mug(), position_m=(0.1, 0.2, 0.3), yaw_rad=1.5707963)
    model = scene.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.body("mug_1/body").xpos == pytest.approx([0.1, 0.2, 0.3])
    # Its front, the side of the handle, turned from x to y.
    assert data.body("mug_1/body").xmat.reshape(3, 3)[:, 0] == pytest.approx([0, 1, 0], abs=1e-6)


def test_malformed_geometry_is_named_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mug.xml"
    file.write_text("<mujoco>\n<worldbody>\n<geom size='a'/>\n</worldbody></mujoco>")
    with pytest.raises(ObjectFileError, match=r"mug\.xml.*line 3"):
        load_object(mug(file))


def test_geometry_without_a_root_body_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mug.xml"
    file.write_text("<mujoco/>")
    with pytest.raises(ObjectFileError, match="no body is named 'body'"):
        load_object(mug(file))
