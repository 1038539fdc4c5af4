"""Clips as files: MP4 where ffmpeg is on the path, else animated WebP or GIF."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.common.errors import UserError

SUFFIXES = (".mp4", ".webp", ".gif")
WEBP_QUALITY = 70


class ClipError(UserError):
    """A clip that cannot be written."""


def default_clip_suffix() -> str:
    """`.mp4` where ffmpeg is on the path, else `.webp`."""
    return ".mp4" if shutil.which("ffmpeg") else ".webp"


def check_clip_path(path: Path) -> None:
    """Makes sure before the work that a clip can be written there.

    Raises:
        ClipError: An unknown suffix, or MP4 without ffmpeg.
    """
    if path.suffix not in SUFFIXES:
        raise ClipError(f"{path}: a clip ends in {', '.join(SUFFIXES)}")
    if path.suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise ClipError(f"{path}: MP4 needs ffmpeg on the path; name a .webp or .gif file instead")
    if not path.parent.is_dir():
        raise ClipError(f"{path}: there is no folder {path.parent}")


def write_clip(path: Path, frames: Sequence[NDArray[np.uint8]], *, frames_per_second: int) -> None:
    """Writes pictures as a clip; its suffix says in which form.

    Args:
        path: Where; `.mp4`, `.webp` or `.gif`.
        frames: (height, width, 3) each, all of one size.
        frames_per_second: How fast it is to be shown.

    Raises:
        ClipError: It cannot be written.
    """
    check_clip_path(path)
    if not frames:
        raise ClipError(f"{path}: a clip needs at least one picture")
    if path.suffix == ".mp4":
        _write_mp4(path, frames, frames_per_second)
        return
    images = [Image.fromarray(frame) for frame in frames]
    options: dict[str, Any] = (
        {"quality": WEBP_QUALITY, "method": 4} if path.suffix == ".webp" else {}
    )
    try:
        images[0].save(
            path,
            save_all=True,
            append_images=images[1:],
            duration=round(1000 / frames_per_second),
            loop=0,
            **options,
        )
    except OSError as error:
        raise ClipError(f"{path}: cannot be written: {error}") from error


def _write_mp4(path: Path, frames: Sequence[NDArray[np.uint8]], frames_per_second: int) -> None:
    height, width = frames[0].shape[:2]
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(frames_per_second), "-i", "-"]
    command += ["-pix_fmt", "yuv420p", str(path)]
    pixels = b"".join(frame.tobytes() for frame in frames)
    done = subprocess.run(command, input=pixels, capture_output=True)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise ClipError(f"{path}: ffmpeg failed: {reason[-1] if reason else done.returncode}")
