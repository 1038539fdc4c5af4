"""A scene: table, person and objects as one MuJoCo specification, to which an arm is attached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco

from regard.world.cameras import add_cameras
from regard.world.layout import Layout, generate_layout
from regard.world.lighting import add_lights
from regard.world.objects.contract import Affordance, Instance
from regard.world.objects.loading import attach_object
from regard.world.objects.switches import num_switch_values
from regard.world.person import add_person
from regard.world.scene_config import SceneConfig
from regard.world.table import TABLE_TOP_Z_M, add_table

DROP_M = 0.0005
"""Objects start this far above the table, so that none starts inside it."""
IMPEDANCE_RATIO = 10.0
"""How much stiffer friction is than the normal contact: grasps creep less (MuJoCo manual)."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What `build_scene` returns."""

    spec: mujoco.MjSpec
    """Everything but the arm; attach that, then compile."""
    layout: Layout
    """Which object stands where."""
    instances: Mapping[str, Instance]
    """The objects by name."""

    def affording(self, affordance: Affordance) -> tuple[Instance, ...]:
        """The objects that can be used so."""
        return tuple(each for each in self.instances.values() if each.spec.affords(affordance))


def build_scene(*, seed: int, config: SceneConfig) -> Scene:
    """Draws a scene; one seed and configuration give one scene.

    Raises:
        LayoutError: If the objects do not fit on the table.
        ObjectFileError: If an object file is malformed.
    """
    return assemble(generate_layout(config, seed=seed), timestep_s=config.timestep_s)


def assemble(layout: Layout, *, timestep_s: float) -> Scene:
    """A scene with the objects where the layout says.

    Raises:
        ObjectFileError: If an object file is malformed.
    """
    spec = mujoco.MjSpec()
    spec.modelname = "regard"
    _set_options(spec, timestep_s)
    add_lights(spec)
    add_table(spec)
    add_person(spec)
    add_cameras(spec)
    for placement in layout.placements:
        drop = 0.0 if placement.instance.spec.is_fixed else DROP_M
        attach_object(
            spec,
            placement.instance,
            position_m=(placement.x_m, placement.y_m, TABLE_TOP_Z_M + drop),
            yaw_rad=placement.yaw_rad,
        )
    instances = layout.instances()
    spec.nuserdata = num_switch_values(instances.values())
    return Scene(spec=spec, layout=layout, instances=instances)


def _set_options(spec: mujoco.MjSpec, timestep_s: float) -> None:
    spec.option.timestep = timestep_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = IMPEDANCE_RATIO
    # Clutter at rest costs nothing until something touches it.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
