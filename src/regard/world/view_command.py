"""`regard world view`: the scene in MuJoCo's own viewer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import mujoco
import tyro

from regard.common.errors import UserError
from regard.world.scene_options import SceneOptions, has_screen

PROGRAM = "regard world view"
EXAMPLE = "example: regard world view --seed 3 --objects 8"
REFRESH_S = 0.02


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """Opens a scene in a window; drag objects with Ctrl and the right mouse button."""

    world: tyro.conf.OmitArgPrefixes[SceneOptions] = field(default_factory=SceneOptions)
    """Which scene."""


def main(argv: Sequence[str]) -> int:
    """Runs a scene in a window until it is closed.

    Raises:
        UserError: There is no screen, or the scene cannot be built.
    """
    options = tyro.cli(ViewOptions, prog=PROGRAM, description=EXAMPLE, args=list(argv))
    if not has_screen():
        raise UserError(
            "no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            "`regard world render --output scene.png` draws without one"
        )
    scene = options.world.build()
    model = scene.spec.compile()
    data = mujoco.MjData(model)
    switches = options.world.settle(scene, model, data)
    from mujoco import viewer  # needs a screen

    with viewer.launch_passive(model, data) as window:
        while window.is_running():
            started = time.monotonic()
            mujoco.mj_step(model, data, nstep=round(REFRESH_S / model.opt.timestep))
            switches.update(data)
            window.sync()
            time.sleep(max(0.0, REFRESH_S - (time.monotonic() - started)))
    return 0
