"""What every object promises: its names, its affordances, and where its figures come from.

An object file is MJCF with a body `body` (joint `free` unless it is fixed) whose origin is the
middle of its underside, z up and x to its front. Attached to a scene as `mug_1`, its elements are
called `mug_1/body` and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from regard.common.errors import UserError

PRESSED_FRACTION = 0.7
"""A button counts as pressed beyond this share of its travel."""
OPENED_FRACTION = 0.7
"""A drawer, door or lid counts as open beyond this share of its range."""
MAX_GRASP_WIDTH_M = 0.070
"""What is to be gripped is narrower than this; the gripper opens to 0.085 m."""


class ObjectFileError(UserError):
    """An object file or catalogue that cannot be used; says which, and the line where known."""


class Affordance(StrEnum):
    """What an object can be used for."""

    GRASP = "grasp"
    """Can be picked up, at a site `grasp_*`."""
    CONTAIN = "contain"
    """Things can be put in, through the site `opening`."""
    SUPPORT = "support"
    """Things can be put on it, at the site `top`."""
    POUR = "pour"
    """Its beads can be poured out over the site `spout`."""
    RECEIVE = "receive"
    """Can be poured into, through the site `opening`."""
    WATER = "water"
    """Waters plants: its beads leave over the site `spout`."""
    GROW = "grow"
    """Can be watered, through the site `opening`."""
    PRESS = "press"
    """Has a joint `button` with a site `button`, and switches a light."""
    OPEN = "open"
    """Has a joint `slide` or `hinge` that its site `handle` moves."""
    WIPE = "wipe"
    """Can wipe a surface."""
    DISPOSE = "dispose"
    """Takes what is tidied away, through the site `opening`."""


REQUIRED_SITES = MappingProxyType(
    {
        Affordance.CONTAIN: ("opening",),
        Affordance.SUPPORT: ("top",),
        Affordance.POUR: ("opening", "spout"),
        Affordance.RECEIVE: ("opening",),
        Affordance.WATER: ("opening", "spout"),
        Affordance.GROW: ("opening",),
        Affordance.PRESS: ("button",),
        Affordance.OPEN: ("handle",),
        Affordance.DISPOSE: ("opening",),
    }
)
"""The sites that an affordance needs; a graspable object has at least one `grasp_*` besides."""


class Footprint(NamedTuple):
    """The rectangle an object occupies on the table, in its own frame, in metres."""

    x_min: float
    x_max: float
    y_min: float
    y_max: float


@dataclass(frozen=True, kw_only=True)
class ObjectSpec:
    """One kind of object."""

    kind: str
    """Its name in scene files: `mug`."""
    label: str
    """Its name for people: `mug`, `sugar jar`."""
    file: Path
    """Its geometry, MJCF."""
    affordances: frozenset[Affordance]
    """What it can be used for."""
    look_alike_group: str
    """Kinds of one group are easily mistaken for each other."""
    mass_kg: float
    """Mass of all its bodies, beads left out."""
    mass_source: str
    """Where the mass comes from."""
    friction: float
    """Sliding friction of its surface; MuJoCo takes the larger of the two in a contact."""
    friction_source: str
    """Where the friction comes from."""
    footprint_m: Footprint
    """What it occupies, clearance for a drawer included."""
    height_m: float
    """How high it stands."""
    colours: tuple[str, ...]
    """Colours it comes in; the material `tint` takes them."""
    symmetric: bool = False
    """Looks and grips the same at any rotation about its z axis."""
    is_fixed: bool = False
    """Screwed to the table: it has no free joint."""
    num_beads: int = 0
    """Granules or drops of water that start inside."""

    def affords(self, affordance: Affordance) -> bool:
        """Whether it can be used so."""
        return affordance in self.affordances


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One object of a scene."""

    name: str
    """Its name in the scene, and the prefix of its elements: `mug_1`."""
    spec: ObjectSpec
    """What it is."""
    colour: str
    """One of the kind's colours."""

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return self.spec.kind

    @property
    def label(self) -> str:
        """Its name for people: `blue mug`."""
        return f"{self.colour} {self.spec.label}"

    @property
    def body(self) -> str:
        """Its root body."""
        return self.element("body")

    def element(self, name: str) -> str:
        """The full name of one of its elements: `mug_1/opening`."""
        return f"{self.name}/{name}"

    def beads(self) -> tuple[str, ...]:
        """Its granules or drops, as names of bodies: `kettle_1/bead_07`."""
        count = self.spec.num_beads
        # MuJoCo's <replicate> pads numbers with zeros to the width of the last one.
        width = len(str(count - 1))
        return tuple(self.element(f"bead_{index:0{width}d}") for index in range(count))
