"""The cameras of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import mujoco
import numpy as np

from regard.world.person import EYES_M
from regard.world.table import TABLE_TOP_Z_M


@dataclass(frozen=True, kw_only=True)
class CameraSpec:
    """Where a camera is and what it looks at."""

    position_m: tuple[float, float, float]
    """In the world."""
    target_m: tuple[float, float, float]
    """What stands in the middle of its picture."""
    fovy_degrees: float
    """Vertical angle of view."""
    summary: str
    """What it is for, in a few words."""


CAMERAS = MappingProxyType(
    {
        "person": CameraSpec(
            # 12 cm in front of the eyes, as glasses with a scene camera: no face in the picture.
            position_m=(EYES_M[0] + 0.12, EYES_M[1], EYES_M[2] + 0.03),
            target_m=(0.09, 0.0, TABLE_TOP_Z_M + 0.02),
            fovy_degrees=72.0,
            summary="what the seated person sees",
        ),
        "overview": CameraSpec(
            position_m=(0.75, -1.30, 1.62),
            target_m=(0.02, -0.02, 0.83),
            fovy_degrees=42.0,
            summary="table, person and arm from the side",
        ),
        "top": CameraSpec(
            position_m=(0.039, 0.0, 2.0),
            target_m=(0.04, 0.0, TABLE_TOP_Z_M),
            fovy_degrees=44.0,
            summary="the table from above",
        ),
        "close": CameraSpec(
            position_m=(-0.20, -0.75, 1.18),
            target_m=(0.04, 0.0, 0.77),
            fovy_degrees=42.0,
            summary="the objects from nearby",
        ),
    }
)
"""By the name they have in the model."""


def add_cameras(scene: mujoco.MjSpec) -> None:
    """Adds every camera to a scene."""
    for name, camera in CAMERAS.items():
        scene.worldbody.add_camera(
            name=name,
            pos=list(camera.position_m),
            quat=look_at(camera.position_m, camera.target_m),
            fovy=camera.fovy_degrees,
        )


def look_at(position_m: Sequence[float], target_m: Sequence[float]) -> list[float]:
    """The quaternion (w, x, y, z) of a camera that looks at a point with z up in its picture.

    Args:
        position_m: Of the camera; not straight above or below the target.
        target_m: What it looks at.
    """
    backward = np.asarray(position_m, dtype=float) - np.asarray(target_m, dtype=float)
    backward /= np.linalg.norm(backward)
    right = np.cross([0.0, 0.0, 1.0], backward)
    right /= np.linalg.norm(right)
    axes = np.column_stack([right, np.cross(backward, right), backward])
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, axes.ravel())
    return [float(value) for value in quaternion]
