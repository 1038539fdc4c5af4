"""`regard world render`: a picture or a clip of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mujoco
import numpy as np
import tyro
from numpy.typing import NDArray
from PIL import Image

from regard.common.errors import UserError
from regard.common.progress import progress_bar
from regard.world.cameras import CAMERAS, CameraSpec
from regard.world.clips import check_clip_path, default_clip_suffix, write_clip
from regard.world.rendering import PictureConfig, Renderer
from regard.world.scene_options import SceneOptions

PROGRAM = "regard world render"
EXAMPLE = "example: regard world render --seed 3 --camera overview --output scene.png"
FRAMES_PER_SECOND = 15
SWING_DEGREES = 50.0
PICTURE_SUFFIXES = (".png", ".jpg", ".webp")


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """Draws a scene as a picture, or as a clip in which the camera swings round it."""

    world: tyro.conf.OmitArgPrefixes[SceneOptions] = field(default_factory=SceneOptions)
    """Which scene."""
    camera: str = "overview"
    """person, overview, top or close."""
    output: Path | None = None
    """Where it goes; scene.png, or scene.mp4 (scene.webp without ffmpeg) for a clip."""
    seconds: float = 0.0
    """Length of a clip; 0 draws one picture."""
    width: int = 640
    """Pixels."""
    height: int = 480
    """Pixels."""
    fast: bool = False
    """No shadows and jagged edges: about four times as fast on a CPU."""

    def __post_init__(self) -> None:
        if self.camera not in CAMERAS:
            raise UserError(f"no camera {self.camera!r}; choose among {', '.join(CAMERAS)}")
        if not 0 <= self.seconds <= 120:
            raise UserError(f"seconds must be 0 to 120, not {self.seconds}")

    @property
    def picture(self) -> PictureConfig:
        """How it is drawn."""
        return PictureConfig(
            width=self.width,
            height=self.height,
            shadows=not self.fast,
            samples=0 if self.fast else 4,
        )

    @property
    def path(self) -> Path:
        """Where it goes."""
        if self.output is not None:
            return self.output
        return Path("scene.png" if not self.seconds else f"scene{default_clip_suffix()}")


def main(argv: Sequence[str]) -> int:
    """Draws a scene into a file.

    Raises:
        UserError: The scene cannot be built, drawn or written; says why.
    """
    options = tyro.cli(RenderOptions, prog=PROGRAM, description=EXAMPLE, args=list(argv))
    path = options.path
    if options.seconds:
        check_clip_path(path)
    elif path.suffix not in PICTURE_SUFFIXES:
        raise UserError(f"{path}: a picture ends in {', '.join(PICTURE_SUFFIXES)}")
    scene = options.world.build()
    model = scene.spec.compile()
    data = mujoco.MjData(model)
    options.world.settle(scene, model, data)
    with Renderer(model, options.picture) as renderer:
        if options.seconds:
            frames = swing(renderer, model, data, options)
            write_clip(path, frames, frames_per_second=FRAMES_PER_SECOND)
        else:
            _save(path, renderer.picture(data, options.camera))
    print(path)
    return 0


def swing(
    renderer: Renderer, model: mujoco.MjModel, data: mujoco.MjData, options: RenderOptions
) -> list[NDArray[np.uint8]]:
    """Pictures of a camera that swings round the table and back, while time passes.

    Args:
        renderer: Of the model.
        model: The scene.
        data: Its state, which advances.
        options: Camera and length.
    """
    num_frames = max(1, round(options.seconds * FRAMES_PER_SECOND))
    steps = max(1, round(1 / (FRAMES_PER_SECOND * model.opt.timestep)))
    frames = []
    with progress_bar("drawing", num_frames) as advance:
        for index in range(num_frames):
            angle = SWING_DEGREES / 2 * np.sin(2 * np.pi * index / num_frames)
            frames.append(renderer.picture(data, orbit(CAMERAS[options.camera], float(angle))))
            mujoco.mj_step(model, data, nstep=steps)
            advance(1)
    return frames


def orbit(camera: CameraSpec, angle_degrees: float) -> mujoco.MjvCamera:
    """A free camera where a fixed one is, turned about the vertical through its target.

    Args:
        camera: The fixed one; a free camera has the angle of view of the model instead of its own.
        angle_degrees: By how much, counterclockwise from above.
    """
    backward = np.subtract(camera.position_m, camera.target_m)
    free = mujoco.MjvCamera()
    free.type = mujoco.mjtCamera.mjCAMERA_FREE
    free.lookat = camera.target_m
    free.distance = float(np.linalg.norm(backward))
    free.azimuth = float(np.degrees(np.arctan2(-backward[1], -backward[0]))) + angle_degrees
    free.elevation = -float(np.degrees(np.arctan2(backward[2], np.hypot(*backward[:2]))))
    return free


def _save(path: Path, pixels: NDArray[np.uint8]) -> None:
    try:
        Image.fromarray(pixels).save(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error}") from error
