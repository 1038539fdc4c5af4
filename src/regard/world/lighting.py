"""Warm light from a window and a lamp above the table."""

from __future__ import annotations

import mujoco


def add_lights(scene: mujoco.MjSpec) -> None:
    """Adds the lights and a warm, plain background."""
    scene.visual.headlight.ambient = [0.42, 0.41, 0.40]
    scene.visual.headlight.diffuse = [0.20, 0.20, 0.20]
    scene.visual.headlight.specular = [0.05, 0.05, 0.05]
    # The whole scene is about 2 m across; shadows need not reach farther.
    scene.stat.center = [0.05, 0.0, 0.8]
    scene.stat.extent = 1.3
    scene.visual.map.shadowclip = 1.1
    scene.add_texture(
        name="background",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.91, 0.87],
        rgb2=[0.72, 0.69, 0.64],
        width=64,
        height=384,
    )
    scene.worldbody.add_light(
        name="window",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[-0.4, -1.3, 2.5],
        dir=[0.25, 0.62, -0.85],
        diffuse=[0.46, 0.43, 0.38],
        specular=[0.15, 0.15, 0.14],
        castshadow=True,
    )
    scene.worldbody.add_light(
        name="ceiling",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0.3, 0.6, 2.4],
        dir=[-0.3, -0.35, -0.9],
        diffuse=[0.20, 0.185, 0.16],
        specular=[0.0, 0.0, 0.0],
        castshadow=False,
    )
