"""The arm in a scene."""

from pathlib import Path

import mujoco
import pytest

from regard.world.arm.attach import DRAWN_GROUP, PAD_GEOMS, TCP_SITE, ArmPlacement, attach
from regard.world.arm.errors import ArmModelError
from regard.world.arm.simulated import ACTUATORS, JOINTS

PLACEMENT = ArmPlacement(position_m=(0.5, 0.0, 0.72), visuals=False)


def test_every_name_the_skills_use_is_there(menagerie_folder: Path) -> None:
    spec = mujoco.MjSpec()
    attach(spec, menagerie_folder, placement=PLACEMENT)
    model = spec.compile()
    assert [model.joint(name).name for name in JOINTS] == list(JOINTS)
    assert [model.actuator(name).name for name in ACTUATORS] == list(ACTUATORS)
    assert model.site(TCP_SITE).id >= 0
    for pad in PAD_GEOMS:
        assert model.geom(f"arm/gripper/{pad}").condim[0] == 4


def test_no_mesh_is_left_without_visuals(menagerie_folder: Path) -> None:
    spec = mujoco.MjSpec()
    attach(spec, menagerie_folder, placement=PLACEMENT)
    assert spec.compile().nmesh == 0


def test_a_folder_without_the_arm_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArmModelError, match=r"ur5e\.xml is missing"):
        attach(mujoco.MjSpec(), tmp_path, placement=PLACEMENT)


def test_without_meshes_the_primitives_are_drawn(menagerie_folder: Path) -> None:
    spec = mujoco.MjSpec()
    attach(spec, menagerie_folder, placement=PLACEMENT)
    model = spec.compile()
    groups = {int(model.geom_group[index]) for index in range(model.ngeom)}
    assert groups == {DRAWN_GROUP}
