"""Warm light from a window and a lamp above the table."""

from __future__ import annotations

import mujoco


def add_lights(scene: mujoco.MjSpec) -> None:
    """Adds the lights and a warm, plain background."""
    scene.visual.headlight.ambient = [0.36, 0.35, 0.34]
    scene.visual.headlight.diffuse = [0.18, 0.18, 0.18]
    scene.visual.headlight.specular = [0.05, 0.05, 0.05]
    scene.worldbody.add_light(
        name="window",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0.0, 1.5, 2.2],
        dir=[0.15, -0.55, -0.8],
        diffuse=[0.52, 0.48, 0.42],
        specular=[0.15, 0.15, 0.14],
        castshadow=True,
    )
    scene.worldbody.add_light(
        name="ceiling",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0.3, -0.6, 2.4],
        dir=[-0.2, 0.25, -0.95],
        diffuse=[0.22, 0.20, 0.17],
        specular=[0.0, 0.0, 0.0],
        castshadow=False,
    )
