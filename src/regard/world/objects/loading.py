"""Object files as MuJoCo specifications, ready to be attached to a scene."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mujoco

from regard.world.colours import COLOURS
from regard.world.objects.contract import Instance, ObjectFileError

TINT = "tint"
"""The material that takes the colour of an instance."""


def load_object(instance: Instance) -> mujoco.MjSpec:
    """The geometry of an object in its colour.

    Raises:
        ObjectFileError: If its file is not valid MJCF; says which file, and the line.
    """
    try:
        spec = mujoco.MjSpec.from_file(str(instance.spec.file))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ObjectFileError(f"{instance.spec.file}: {reason}") from error
    if spec.body("body") is None:
        raise ObjectFileError(f"{instance.spec.file}: no body is named 'body'")
    if (tint := spec.material(TINT)) is not None:
        tint.rgba = COLOURS[instance.colour]
    return spec


def attach_object(
    scene: mujoco.MjSpec,
    instance: Instance,
    *,
    position_m: Sequence[float],
    yaw_rad: float,
) -> None:
    """Stands an object in a scene.

    Args:
        scene: Where it goes; its elements are called `<instance>/...` there.
        instance: What goes there.
        position_m: Where the middle of its underside goes, in the world.
        yaw_rad: Its rotation about the vertical.

    Raises:
        ObjectFileError: If its file is not valid MJCF.
    """
    half = yaw_rad / 2
    quaternion = [math.cos(half), 0.0, 0.0, math.sin(half)]
    frame = scene.worldbody.add_frame(pos=list(position_m), quat=quaternion)
    scene.attach(load_object(instance), prefix=f"{instance.name}/", frame=frame)
