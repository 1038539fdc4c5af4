"""Pictures to a clip: MP4 where ffmpeg is at hand, else an animated WebP or GIF."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from regard.cloth.errors import ClothError

Picture = NDArray[np.uint8]

VIDEO, ANIMATIONS = ".mp4", (".webp", ".gif")
"""Endings of a clip: the first needs ffmpeg."""
LAST_PICTURE_SECONDS = 1.5
"""How long the outcome is shown."""


def default_suffix() -> str:
    """The ending of a clip for which none was asked."""
    return VIDEO if shutil.which("ffmpeg") else ANIMATIONS[0]


def check_clip_path(path: Path) -> None:
    """Says before anything is simulated that a clip cannot be written there.

    Raises:
        ClothError: The ending is unknown, or ffmpeg or the folder is missing.
    """
    if path.suffix not in (VIDEO, *ANIMATIONS):
        known = ", ".join((VIDEO, *ANIMATIONS))
        raise ClothError(f"--out {path}: a clip ends in one of {known}")
    if path.suffix == VIDEO and not shutil.which("ffmpeg"):
        raise ClothError(f"--out {path}: there is no ffmpeg; take {' or '.join(ANIMATIONS)}")
    if not path.absolute().parent.is_dir():
        raise ClothError(f"--out {path}: there is no folder {path.parent}")


def captioned(picture: Picture, caption: str) -> Picture:
    """The picture (height, width, 3) with a line of text at its upper edge."""
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text((10, 8), caption, fill=(30, 30, 30), font=_font())
    return np.asarray(image, dtype=np.uint8)


def write_clip(pictures: Sequence[Picture], path: Path, *, frames_per_second: int) -> None:
    """Writes a clip.

    Args:
        pictures: Each of shape (height, width, 3), all alike; at least one.
        path: Where to; its ending chooses the format.
        frames_per_second: Of playing.

    Raises:
        ClothError: The path will not do, or ffmpeg fails.
    """
    check_clip_path(path)
    lasting = [*pictures] + [pictures[-1]] * round(LAST_PICTURE_SECONDS * frames_per_second)
    if path.suffix == VIDEO:
        _write_video(lasting, path, frames_per_second)
        return
    first, *rest = (Image.fromarray(each) for each in lasting)
    first.save(path, save_all=True, append_images=rest, duration=1000 // frames_per_second, loop=0)


def _write_video(pictures: Sequence[Picture], path: Path, frames_per_second: int) -> None:
    height, width, _ = pictures[0].shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command = ["ffmpeg", "-y", "-loglevel", "error", *raw, "-r", str(frames_per_second)]
    command += ["-i", "-", "-pix_fmt", "yuv420p", str(path)]
    done = subprocess.run(command, input=np.stack(pictures).tobytes(), capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ClothError(
            f"ffmpeg could not write {path}: {said[-1] if said else 'no reason given'}"
        )


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=15)
