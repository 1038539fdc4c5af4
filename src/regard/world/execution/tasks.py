"""Draws tasks: which skills with which objects, in a scene that holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from regard.common.errors import UserError
from regard.common.seeding import numpy_generator
from regard.world.objects.contract import Affordance, ObjectSpec
from regard.world.objects.registry import development_objects, held_out_objects

NUM_OBJECTS = (6, 10, 14)
ROOM = 0.8
"""Share of a receiver's half width that its opening offers."""
LONGEST_M = 0.21


class TaskError(UserError):
    """A family for which the catalogue has no objects."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call of a skill; the arguments name kinds until a scene gives them names."""

    skill: str
    """Name of the skill."""

    arguments: Mapping[str, str]
    """Kind, or the name of a spot, by argument."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be done in one trial."""

    family: str
    """Which of the families."""

    steps: tuple[Step, ...]
    """The right plan."""

    kinds: tuple[str, ...]
    """Kinds that the scene must hold, in the order of their roles."""

    num_objects: int
    """Objects on the table."""


FAMILIES: Mapping[str, tuple[tuple[str, Mapping[str, Affordance]], ...]] = MappingProxyType(
    {
        "fetch": (("fetch", {"object": Affordance.GRASP}),),
        "hand_over": (("hand_over", {"object": Affordance.GRASP}),),
        "put_in": (("put_in", {"object": Affordance.GRASP, "receiver": Affordance.CONTAIN}),),
        "put_on": (("put_on", {"object": Affordance.GRASP, "receiver": Affordance.SUPPORT}),),
        "pour": (("pour", {"source": Affordance.POUR, "receiver": Affordance.RECEIVE}),),
        "water": (("water", {"source": Affordance.WATER, "receiver": Affordance.GROW}),),
        "press": (("press", {"object": Affordance.PRESS}),),
        "open": (("open", {"object": Affordance.OPEN}),),
        "wipe": (("wipe", {"tool": Affordance.WIPE}),),
        "tidy": (("tidy", {"object": Affordance.GRASP, "receiver": Affordance.DISPOSE}),),
    }
)
"""One skill each; the objects are drawn by what they afford."""

THREE_OBJECTS: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "brush_teeth": (
            Step(skill="put_on", arguments={"object": "toothpaste", "receiver": "tray"}),
            Step(skill="fetch", arguments={"object": "toothbrush"}),
        ),
        "sweet_coffee": (
            Step(skill="pour", arguments={"source": "sugar_jar", "receiver": "mug"}),
            Step(skill="put_in", arguments={"object": "spoon", "receiver": "mug"}),
        ),
    }
)
"""Two skills with three objects; they exist for the development objects only."""

SPOT = "spill"
SPOT_GAP_M = 0.14
"""From the middle of the patch to the nearest object: half a patch, and room for the hand."""


def draw_task(seed: int, index: int, *, held_out: bool) -> Task:
    """The task of one trial; families take turns.

    Args:
        seed: Of the benchmark.
        index: Of the trial.
        held_out: Draw the first object, and the second where there is one, from the held-out ones.
    """
    generator = numpy_generator(seed, "task", "held-out" if held_out else "development", index)
    names = families(held_out=held_out)
    family = names[index % len(names)]
    num_objects = int(generator.choice(NUM_OBJECTS))
    if family in THREE_OBJECTS:
        steps = THREE_OBJECTS[family]
        kinds = dict.fromkeys(kind for step in steps for kind in step.arguments.values())
        return Task(family=family, steps=steps, kinds=tuple(kinds), num_objects=num_objects)
    pairs = _choices(family, held_out=held_out)
    chosen = pairs[int(generator.integers(len(pairs)))]
    skill, roles = FAMILIES[family][0]
    arguments = dict(zip(roles, chosen, strict=True))
    if skill == "wipe":
        arguments["spot"] = SPOT
    step = Step(skill=skill, arguments=arguments)
    return Task(family=family, steps=(step,), kinds=chosen, num_objects=num_objects)


def families(*, held_out: bool) -> tuple[str, ...]:
    """The families for which there are objects."""
    single = tuple(name for name in FAMILIES if _choices(name, held_out=held_out))
    return single if held_out else (*single, *THREE_OBJECTS)


def _choices(family: str, *, held_out: bool) -> list[tuple[str, ...]]:
    """The combinations of kinds that a family may draw."""
    (_, roles), *_ = FAMILIES[family]
    first, *others = roles.values()
    known, new = development_objects(), held_out_objects()
    firsts = _affording(new if held_out else known, first)
    if not others:
        return [(spec.kind,) for spec in firsts if _is_usable(family, spec)]
    seconds = _affording(new, others[0]) if held_out else _affording(known, others[0])
    if held_out and not seconds:
        seconds = _affording(known, others[0])
    return [
        (one.kind, other.kind)
        for one in firsts
        for other in seconds
        if one.kind != other.kind and _is_usable(family, one) and _fits(family, one, other)
    ]


def _affording(specs: Mapping[str, ObjectSpec], affordance: Affordance) -> list[ObjectSpec]:
    return [spec for spec in specs.values() if spec.affords(affordance)]


def _is_usable(family: str, spec: ObjectSpec) -> bool:
    if spec.kind == "towel":
        # Cloth is folded, by another system; wiping is counted for stiff tools.
        return False
    return spec.num_beads == 0 or family in ("fetch", "pour", "water")


def _fits(family: str, one: ObjectSpec, other: ObjectSpec) -> bool:
    """Whether a person would ask for it: what goes in has to have room."""
    across, along, high = _size(one)
    if family in ("pour", "water"):
        return True
    if family == "put_on":
        return max(across, along) < LONGEST_M
    if other.affords(Affordance.OPEN) or other.affords(Affordance.DISPOSE) != (family == "tidy"):
        return False
    width, depth, height = _size(other)
    half = ROOM * min(width, depth) / 2
    lies = math.hypot(across, along) / 2 < half and high / 2 < height
    small, middle, long = sorted((across, along, high))
    stands = math.hypot(small, middle) / 2 < half and long / 2 < height
    return lies or stands


def _size(spec: ObjectSpec) -> tuple[float, float, float]:
    foot = spec.footprint_m
    return foot.x_max - foot.x_min, foot.y_max - foot.y_min, spec.height_m


def spot_position(
    occupied_m: np.ndarray, radii_m: np.ndarray, generator: np.random.Generator
) -> np.ndarray | None:
    """A free place (2,) on the table for the patch to be wiped, or None.

    Args:
        occupied_m: (objects, 2) where objects stand.
        radii_m: (objects,) how far they reach.
        generator: Draws the places.
    """
    for _ in range(400):
        place = np.array([generator.uniform(-0.12, 0.16), generator.uniform(-0.32, 0.32)])
        if not 0.36 < float(np.hypot(place[0] - 0.50, place[1])) < 0.62:
            continue
        gaps = np.linalg.norm(occupied_m - place, axis=1) - radii_m
        if len(gaps) == 0 or gaps.min() > SPOT_GAP_M:
            return place
    return None
