"""`regard world render`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regard.common.errors import UserError
from regard.world.cameras import CAMERAS
from regard.world.render_command import RenderOptions, main, orbit
from tests.world.test_rendering import can_draw

SMALL = ["--objects", "2", "--width", "64", "--height", "48", "--fast"]
needs_gl = pytest.mark.skipif(not can_draw(), reason="needs EGL or OSMesa")


@needs_gl
@pytest.mark.slow
def test_a_picture_and_a_clip_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "scene.png"
    assert main([*SMALL, "--output", str(path)]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    with Image.open(path) as picture:
        assert picture.size == (64, 48)
    clip = tmp_path / "scene.webp"
    assert main([*SMALL, "--seconds", "0.4", "--output", str(clip)]) == 0
    with Image.open(clip) as moving:
        # Pillow joins pictures that are alike, of which a swing has two at its turn.
        assert 4 <= moving.n_frames <= 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--camera", "attic"], "no camera 'attic'"),
        (["--seconds", "-1"], "seconds must be 0 to 120"),
        (["--output", "scene.txt"], "a picture ends in"),
        (["--output", "scene.txt", "--seconds", "1"], "a clip ends in"),
        (["--require", "samovar"], "unknown kinds samovar"),
        (["--scene", "none.toml"], "none.toml: cannot be read"),
        (["--width", "3"], "a picture has 16 to 4096 pixels"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        main(arguments)


@pytest.mark.parametrize("name", CAMERAS)
def test_the_swinging_camera_starts_where_the_fixed_one_is(name: str) -> None:
    camera, free = CAMERAS[name], orbit(CAMERAS[name], 0.0)
    azimuth, elevation = np.radians(free.azimuth), np.radians(free.elevation)
    forward = [
        np.cos(elevation) * np.cos(azimuth),
        np.cos(elevation) * np.sin(azimuth),
        np.sin(elevation),
    ]
    position = free.lookat - free.distance * np.array(forward)
    assert position == pytest.approx(camera.position_m, abs=1e-6)


def test_the_default_file_says_what_it_is() -> None:
    assert RenderOptions().path == Path("scene.png")
    assert RenderOptions(seconds=1.0).path.suffix in (".mp4", ".webp")
