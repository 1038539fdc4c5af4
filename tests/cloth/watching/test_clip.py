"""Clips hold what was drawn."""

import shutil

import numpy as np
import pytest
from PIL import Image

from regard.cloth.errors import ClothError
from regard.cloth.watching import clip

PICTURES = [np.full((40, 60, 3), 60 * k, np.uint8) for k in range(4)]


@pytest.mark.parametrize("suffix", clip.ANIMATIONS)
def test_an_animation_shows_every_picture_and_then_the_outcome(tmp_path, suffix):
    path = tmp_path / f"fold{suffix}"
    clip.write_clip(PICTURES, path, frames_per_second=10)
    with Image.open(path) as image:
        shown = []
        for frame in range(image.n_frames):
            image.seek(frame)
            shown += [int(np.asarray(image.convert("RGB")).mean())] * image.info["duration"]
    assert shown[50] == pytest.approx(0, abs=4)
    assert shown[150] == pytest.approx(60, abs=4)
    assert shown[-1] == pytest.approx(180, abs=4)
    assert len(shown) == pytest.approx(1000 * (0.4 + clip.LAST_PICTURE_SECONDS), abs=100)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_video_is_written_where_ffmpeg_is(tmp_path):
    clip.write_clip(PICTURES, tmp_path / "fold.mp4", frames_per_second=10)
    assert (tmp_path / "fold.mp4").read_bytes()[4:8] == b"ftyp"


def test_ffmpeg_gets_every_picture_and_its_complaint_is_passed_on(tmp_path, monkeypatch):
    fake = tmp_path / "ffmpeg"
    fake.write_text('#!/bin/sh\nwc -c > "$0.bytes"\necho bad codec >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ClothError, match="bad codec"):
        clip.write_clip(PICTURES, tmp_path / "fold.mp4", frames_per_second=10)
    pictures = len(PICTURES) + round(10 * clip.LAST_PICTURE_SECONDS)
    assert int((tmp_path / "ffmpeg.bytes").read_text()) == pictures * 40 * 60 * 3


def test_a_path_that_will_not_do_is_refused_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(clip.shutil, "which", lambda name: None)
    assert clip.default_suffix() == ".webp"
    for path, reason in (
        (tmp_path / "a.avi", "ends in one of"),
        (tmp_path / "a.mp4", "no ffmpeg"),
        (tmp_path / "nowhere" / "a.gif", "no folder"),
    ):
        with pytest.raises(ClothError, match=reason):
            clip.check_clip_path(path)


def test_a_caption_changes_the_upper_edge_only():
    picture = np.full((80, 200, 3), 200, np.uint8)
    captioned = clip.captioned(picture, "step 3")
    assert (captioned[:30] != 200).any()
    assert (captioned[30:] == 200).all()
