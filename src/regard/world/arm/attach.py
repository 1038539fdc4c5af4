"""Puts a UR5e with a Robotiq 2F-85 into a scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regard.world.arm.errors import ArmModelError

if TYPE_CHECKING:
    import mujoco

ARM_PREFIX = "arm/"
GRIPPER_PREFIX = "gripper/"
TCP_SITE = "arm/gripper/tcp"

ARM_FILE = Path("universal_robots_ur5e") / "ur5e.xml"
GRIPPER_FILE = Path("robotiq_2f85") / "2f85.xml"

PAD_GEOMS = ("right_pad1", "right_pad2", "left_pad1", "left_pad2")
# Silicone on glazed ceramic, plastic and steel lies between 0.7 and 1.2; Menagerie's 0.6 to 0.7
# is the hard rubber of the stock pads. The second number is a contact patch of about 10 mm.
PAD_FRICTION = (0.9, 0.006, 0.0001)
PADS_FROM_BASE_M = 0.145

BASE_CYLINDER_SIZE_M = (0.037, 0.040, 0.0)
BASE_CYLINDER_POSITION_M = (0.0, 0.0, 0.045)
FINGER_BOX_SIZE_M = (0.011, 0.005, 0.012)
FINGER_BOX_POSITION_M = (0.0, -0.012, 0.0)
MOUNT_MASS_KG = 0.1

DRAWN_GROUP = 2
PLAIN_COLOUR = (0.55, 0.58, 0.62, 1.0)


@dataclass(frozen=True, kw_only=True)
class ArmPlacement:
    """Where the arm stands and what of it is drawn."""

    position_m: tuple[float, float, float]
    """Of the base, in the world."""

    visuals: bool
    """Keep the meshes that are only drawn; without them a scene compiles far faster, and pictures
    show the capsules and boxes that collide."""


def attach(spec: mujoco.MjSpec, menagerie: Path, *, placement: ArmPlacement) -> None:
    """Attaches the arm with its gripper to the world body of a scene; it faces minus x.

    Everything of the arm is named `arm/...`, everything of the gripper `arm/gripper/...`; the site
    `arm/gripper/tcp` lies between the pads, z along the approach, x along the closing direction.

    Args:
        spec: The scene; it is changed.
        menagerie: Folder with `universal_robots_ur5e` and `robotiq_2f85`, as in MuJoCo Menagerie.
        placement: Where it stands.

    Raises:
        ArmModelError: The folder does not hold the two models.
    """
    arm = _load(menagerie / ARM_FILE)
    gripper = _load(menagerie / GRIPPER_FILE)
    for part in (arm, gripper):
        _drop_meshes(part, keep_visuals=placement.visuals)
        _balance_gravity(part)
    _prepare_arm(arm, like=spec)
    _prepare_gripper(gripper, like=spec)
    if not placement.visuals:
        for part in (arm, gripper):
            _show_primitives(part)
    arm.attach(gripper, prefix=GRIPPER_PREFIX, site="attachment_site")
    frame = spec.worldbody.add_frame(pos=list(placement.position_m))
    spec.attach(arm, prefix=ARM_PREFIX, frame=frame)


def _load(path: Path) -> mujoco.MjSpec:
    import mujoco

    if not path.is_file():
        raise ArmModelError(
            f"{path} is missing; name a folder laid out like MuJoCo Menagerie in MENAGERIE_ROOT, "
            "or unset it to use the packaged arm"
        )
    return mujoco.MjSpec.from_file(str(path))


def _drop_meshes(part: mujoco.MjSpec, *, keep_visuals: bool) -> None:
    """Leaves primitive collision geoms only: they are faster, and their contacts are smoother."""
    import mujoco

    for geom in list(part.geoms):
        if geom.classname.name == "visual":
            if keep_visuals:
                geom.mass = 0
                continue
            part.delete(geom)
        elif geom.type == mujoco.mjtGeom.mjGEOM_MESH:
            part.delete(geom)
    if not keep_visuals:
        for mesh in list(part.meshes):
            part.delete(mesh)


def _show_primitives(part: mujoco.MjSpec) -> None:
    """Capsules and boxes are what a picture shows of an arm without meshes: cheap, and seen."""
    for geom in part.geoms:
        geom.group = DRAWN_GROUP
        geom.rgba = list(PLAIN_COLOUR)


def _balance_gravity(part: mujoco.MjSpec) -> None:
    """As the controller of the real arm does."""
    for body in part.bodies:
        if body.name != "world":
            body.gravcomp = 1


def _prepare_arm(arm: mujoco.MjSpec, *, like: mujoco.MjSpec) -> None:
    for key in list(arm.keys):
        arm.delete(key)
    for light in list(arm.lights):
        arm.delete(light)
    _take_options(arm, like)


def _prepare_gripper(gripper: mujoco.MjSpec, *, like: mujoco.MjSpec) -> None:
    import mujoco

    base = gripper.body("base")
    gripper.body("base_mount").mass = MOUNT_MASS_KG
    base.add_geom(
        name="base_collision",
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=list(BASE_CYLINDER_SIZE_M),
        pos=list(BASE_CYLINDER_POSITION_M),
        group=3,
        mass=0,
    )
    half_turn = 0.5**0.5
    base.add_site(name="tcp", pos=[0, 0, PADS_FROM_BASE_M], quat=[half_turn, 0, 0, half_turn])
    for side in ("left", "right"):
        gripper.body(f"{side}_follower").add_geom(
            name=f"{side}_finger_collision",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=list(FINGER_BOX_SIZE_M),
            pos=list(FINGER_BOX_POSITION_M),
            group=3,
            mass=0,
        )
    for name in PAD_GEOMS:
        pad = gripper.geom(name)
        pad.friction = list(PAD_FRICTION)
        pad.condim = 4
    _take_options(gripper, like)


def _take_options(part: mujoco.MjSpec, like: mujoco.MjSpec) -> None:
    """The scene decides; MuJoCo would print a warning for each option that differs."""
    for name in ("integrator", "cone", "impratio", "timestep"):
        setattr(part.option, name, getattr(like.option, name))
