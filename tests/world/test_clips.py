"""Clips as files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regard.world.clips import ClipError, check_clip_path, default_clip_suffix, write_clip

FRAMES = [np.full((32, 48, 3), 80 * index, dtype=np.uint8) for index in range(3)]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_a_clip_holds_every_picture_at_its_pace(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{suffix}"
    write_clip(path, FRAMES, frames_per_second=10)
    with Image.open(path) as clip:
        assert clip.n_frames == 3
        assert clip.size == (48, 32)
        clip.seek(1)
        clip.load()
        assert clip.info["duration"] == 100


def test_without_ffmpeg_mp4_is_refused_and_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.world.clips.shutil.which", lambda name: None)
    assert default_clip_suffix() == ".webp"
    with pytest.raises(ClipError, match="MP4 needs ffmpeg on the path"):
        check_clip_path(tmp_path / "clip.mp4")


def test_ffmpeg_gets_the_pictures_and_its_complaint_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\ngrep -q . "$last"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert default_clip_suffix() == ".mp4"
    write_clip(tmp_path / "clip.mp4", FRAMES, frames_per_second=10)
    assert (tmp_path / "clip.mp4").stat().st_size == 3 * 32 * 48 * 3
    fake.write_text("#!/bin/sh\necho no codec >&2\nexit 1\n")
    with pytest.raises(ClipError, match="ffmpeg failed: no codec"):
        write_clip(tmp_path / "clip.mp4", FRAMES, frames_per_second=10)


def test_unknown_suffixes_missing_folders_and_empty_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="a clip ends in"):
        check_clip_path(tmp_path / "clip.avi")
    with pytest.raises(ClipError, match="there is no folder"):
        check_clip_path(tmp_path / "none" / "clip.gif")
    with pytest.raises(ClipError, match="at least one picture"):
        write_clip(tmp_path / "clip.gif", [], frames_per_second=10)
