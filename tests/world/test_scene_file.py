"""Scenes written by hand."""

import math
from pathlib import Path

import pytest

from regard.world.objects.registry import all_objects
from regard.world.scene_file import SceneFileError, read_layout

TWO = """# A cup of tea.
[[object]]
kind = "mug"
x_m = 0.1
y_m = -0.2
yaw_degrees = 90
colour = "red"

[[object]]
kind = "kettle"
x_m = 0
y_m = 0.2
name = "the_kettle"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scene.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_objects_stand_where_the_file_says(tmp_path: Path) -> None:
    layout = read_layout(written(tmp_path, TWO), all_objects())
    mug, kettle = layout.placements
    assert (mug.x_m, mug.y_m, mug.instance.colour) == (0.1, -0.2, "red")
    assert mug.yaw_rad == pytest.approx(math.pi / 2)
    assert mug.instance.name == "mug_1"
    assert kettle.instance.name == "the_kettle"
    assert kettle.instance.colour == kettle.instance.spec.colours[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"kettle"', '"samovar"', "line 9: object 2: unknown kind 'samovar'"),
        ("y_m = 0.2", "", "line 9: object 2: missing keys: y_m"),
        ("y_m = -0.2", 'y_m = "left"', "line 2: object 1: y_m must be of type float"),
        ("y_m = -0.2", "y_m = nan", "line 2: object 1: y_m must be of type float"),
        ("y_m = -0.2", "y_m = -0.2\nsize = 3", "line 2: object 1: unknown key 'size'"),
        ('"red"', '"steel"', "line 2: object 1: no mug in 'steel'"),
        ('"the_kettle"', '"mug_1"', "line 9: object 2: the name 'mug_1'"),
        ("x_m = 0.1", "x_m = ", "line 4"),
        ("# A cup of tea.", "title = 3", "line 1: unknown key 'title'"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in TWO
    path = written(tmp_path, TWO.replace(old, new))
    with pytest.raises(SceneFileError) as caught:
        read_layout(path, all_objects())
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_or_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneFileError, match="cannot be read"):
        read_layout(tmp_path / "none.toml", all_objects())
    with pytest.raises(SceneFileError, match="objects are written as"):
        read_layout(written(tmp_path, "object = 3"), all_objects())
