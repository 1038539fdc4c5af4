"""The table that everything stands on, and the floor."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

TABLE_TOP_Z_M = 0.72
"""Height of the table's surface above the floor."""
TABLE_CENTRE_X_M = 0.20
TABLE_HALF_SIZE_M = (0.50, 0.60, 0.018)
TABLE_FRICTION = 0.375
"""Wood: the middle of 0.25-0.50, wood on wood (eCampusOntario, appendix A)."""
LEG_HALF_WIDTH_M = 0.025
LEG_INSET_M = 0.05
TEXTURE_PIXELS = 256


def add_table(scene: mujoco.MjSpec) -> None:
    """Adds the floor and a wooden table; the geom `table` is what things touch."""
    _add_wood(scene)
    scene.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[4.0, 4.0, 0.1],
        rgba=[0.74, 0.71, 0.67, 1.0],
    )
    half_x, half_y, half_z = TABLE_HALF_SIZE_M
    top = scene.worldbody.add_body(
        name="table", pos=[TABLE_CENTRE_X_M, 0.0, TABLE_TOP_Z_M - half_z]
    )
    top.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[half_x, half_y, half_z],
        material="wood",
        condim=4,
        friction=[TABLE_FRICTION, 0.003, 0.0001],
        solref=[0.005, 1.0],
        solimp=[0.95, 0.99, 0.001, 0.5, 2.0],
    )
    leg_half_height = (TABLE_TOP_Z_M - 2 * half_z) / 2
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            top.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX,
                size=[LEG_HALF_WIDTH_M, LEG_HALF_WIDTH_M, leg_half_height],
                pos=[
                    sign_x * (half_x - LEG_INSET_M),
                    sign_y * (half_y - LEG_INSET_M),
                    -half_z - leg_half_height,
                ],
                material="wood",
                contype=0,
                conaffinity=0,
            )


def _add_wood(scene: mujoco.MjSpec) -> None:
    pixels = wood_pixels(TEXTURE_PIXELS)
    texture = scene.add_texture(
        name="wood",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=TEXTURE_PIXELS,
        height=TEXTURE_PIXELS,
        nchannel=3,
    )
    texture.data = pixels.tobytes()
    material = scene.add_material(name="wood", specular=0.15, shininess=0.3)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "wood"


def wood_pixels(size: int) -> NDArray[np.uint8]:
    """Grain of wood, planks side by side.

    Args:
        size: Pixels along an edge.

    Returns:
        (size, size, 3) bytes.
    """
    across, along = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size), indexing="ij")
    plank = np.floor(across * 6)
    wave = 0.012 * np.sin(2 * np.pi * (along * 1.5 + 0.37 * plank))
    grain = np.sin(2 * np.pi * (across + wave) * 46 + 1.7 * plank) * 0.5
    grain += np.sin(2 * np.pi * (across + 1.6 * wave) * 91 + 3.1 * plank) * 0.3
    tone = 1 + 0.045 * np.sin(2.4 * plank) + 0.035 * grain
    seam = np.abs(across * 6 - np.round(across * 6)) < 0.012
    tone = np.where(seam, 0.78, tone)
    colour = np.array([186, 148, 110]) * tone[..., None]
    return np.clip(colour, 0, 255).astype(np.uint8)
