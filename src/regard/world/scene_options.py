"""What `regard world render` and `regard world view` are asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import mujoco

from regard.world.objects.contract import Affordance
from regard.world.objects.switches import Switches
from regard.world.scene import Scene, assemble, build_scene
from regard.world.scene_config import SceneConfig
from regard.world.scene_file import read_layout

SETTLE_S = 0.6


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """Which scene: drawn from a seed, or read from a file."""

    seed: int = 0
    """The seed that the scene is drawn from."""
    objects: int = 10
    """How many objects stand on the table."""
    require: tuple[str, ...] = ()
    """Kinds that must be among them: --require mug kettle."""
    catalogue: str = "development"
    """Which kinds there are: development, held-out or all."""
    scene: Path | None = None
    """A scene file (TOML) to read instead."""
    lights_on: bool = False
    """Start with every lamp on."""

    def build(self) -> Scene:
        """The scene, without an arm.

        Raises:
            UserError: It cannot be built; says why.
        """
        config = SceneConfig(
            num_objects=max(self.objects, len(self.require)),
            required=self.require,
            catalogue=self.catalogue,
        )
        if self.scene is None:
            return build_scene(seed=self.seed, config=config)
        return assemble(read_layout(self.scene, config.kinds()), timestep_s=config.timestep_s)

    def settle(self, scene: Scene, model: mujoco.MjModel, data: mujoco.MjData) -> Switches:
        """Lets everything come to rest, and returns the scene's switches."""
        mujoco.mj_step(model, data, nstep=round(SETTLE_S / model.opt.timestep))
        switches = Switches(scene.instances.values(), model)
        for instance in scene.instances.values():
            if self.lights_on and instance.spec.affords(Affordance.PRESS):
                switches.turn(data, instance.name, on=True)
        return switches


def has_screen() -> bool:
    """Whether a window can be opened here."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
