"""Which scene a command is to show."""

from pathlib import Path

import mujoco
import pytest

from regard.world.scene_options import SceneOptions, has_screen


def test_a_seed_or_a_file_gives_the_scene(tmp_path: Path) -> None:
    drawn = SceneOptions(objects=1, require=("mug", "kettle")).build()
    assert set(drawn.instances) == {"mug_1", "kettle_1"}
    path = tmp_path / "scene.toml"
    path.write_text('[[object]]\nkind = "bowl"\nx_m = 0.0\ny_m = 0.0\n')
    assert set(SceneOptions(scene=path).build().instances) == {"bowl_1"}


def test_lamps_start_as_asked() -> None:
    for lights_on in (False, True):
        options = SceneOptions(objects=2, require=("lamp", "mug"), lights_on=lights_on)
        scene = options.build()
        model = scene.spec.compile()
        data = mujoco.MjData(model)
        assert options.settle(scene, model, data).is_on(data, "lamp_1") is lights_on


def test_a_screen_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_screen()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_screen()
