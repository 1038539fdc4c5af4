"""Which objects stand where: drawn from a seed, or read from a file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.common.errors import UserError
from regard.common.seeding import numpy_generator
from regard.world.objects.contract import Instance, ObjectSpec
from regard.world.overlap import corners, rectangles_overlap
from regard.world.scene_config import SceneConfig

PLACES_TRIED = 400
LAYOUTS_TRIED = 40


class LayoutError(UserError):
    """Objects that do not fit on the table."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One object and where it stands."""

    instance: Instance
    """The object."""
    x_m: float
    """Where its origin stands on the table, in the world."""
    y_m: float
    """Where its origin stands on the table, in the world."""
    yaw_rad: float
    """Its rotation about the vertical."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All objects of a scene."""

    placements: tuple[Placement, ...]
    """In the order in which they enter the scene."""

    def instances(self) -> dict[str, Instance]:
        """The objects by name."""
        return {each.instance.name: each.instance for each in self.placements}


def generate_layout(config: SceneConfig, *, seed: int) -> Layout:
    """Draws which objects stand where; one seed gives one layout.

    Raises:
        LayoutError: If the objects do not fit, or a required kind is unknown.
    """
    generator = numpy_generator(seed, "layout")
    instances = _draw_instances(config, generator)
    for _ in range(LAYOUTS_TRIED):
        if (placements := _place_all(instances, config, generator)) is not None:
            return Layout(placements=tuple(placements))
    names = ", ".join(each.name for each in instances)
    raise LayoutError(
        f"no room for {len(instances)} objects ({names}) with gaps of {config.gap_m} m; "
        "ask for fewer objects, smaller gaps or a larger area"
    )


def look_alike_pairs(specs: Sequence[ObjectSpec]) -> int:
    """How many pairs of objects belong to one look-alike group."""
    groups = Counter(spec.look_alike_group for spec in specs)
    return sum(math.comb(count, 2) for count in groups.values())


def _draw_instances(config: SceneConfig, generator: np.random.Generator) -> list[Instance]:
    kinds = config.kinds()
    specs = _draw_kinds(config, kinds, generator)
    counts: Counter[str] = Counter()
    taken: set[tuple[str, str]] = set()
    instances = []
    for spec in specs:
        counts[spec.kind] += 1
        free = [colour for colour in spec.colours if (spec.kind, colour) not in taken]
        colour = str(generator.choice(free or list(spec.colours)))
        taken.add((spec.kind, colour))
        name = f"{spec.kind}_{counts[spec.kind]}"
        instances.append(Instance(name=name, spec=spec, colour=colour))
    return instances


def _draw_kinds(
    config: SceneConfig, kinds: Mapping[str, ObjectSpec], generator: np.random.Generator
) -> list[ObjectSpec]:
    """The required kinds, then clutter: first look-alikes until there are enough pairs."""
    if unknown := [kind for kind in config.required if kind not in kinds]:
        raise LayoutError(f"unknown kinds {unknown}; there are: {', '.join(kinds)}")
    specs = [kinds[kind] for kind in config.required]
    allowed = [spec for kind, spec in kinds.items() if kind not in config.excluded]
    while len(specs) < config.num_objects:
        wanted = _clutter(specs, allowed)
        if look_alike_pairs(specs) < config.num_look_alike_pairs and specs:
            wanted = _look_alikes(specs, allowed) or wanted
        if not wanted:
            raise LayoutError(f"only {len(specs)} of {config.num_objects} objects can be had")
        specs.append(wanted[int(generator.integers(len(wanted)))])
    return specs


def _clutter(specs: Sequence[ObjectSpec], allowed: Sequence[ObjectSpec]) -> list[ObjectSpec]:
    """Kinds that are not there yet; any kind that can be picked up once all are."""
    present = {spec.kind for spec in specs}
    return [spec for spec in allowed if spec.kind not in present] or [
        spec for spec in allowed if not spec.is_fixed
    ]


def _look_alikes(specs: Sequence[ObjectSpec], allowed: Sequence[ObjectSpec]) -> list[ObjectSpec]:
    """Kinds that can be mistaken for one that is there: another kind, else a second of one."""
    groups = {spec.look_alike_group for spec in specs}
    present = {spec.kind for spec in specs}
    alike = [spec for spec in allowed if spec.look_alike_group in groups and not spec.is_fixed]
    return [spec for spec in alike if spec.kind not in present] or alike


def _place_all(
    instances: Sequence[Instance], config: SceneConfig, generator: np.random.Generator
) -> list[Placement] | None:
    """Places the largest first; None when one finds no room."""
    placed: dict[str, Placement] = {}
    rectangles: list[NDArray[np.float64]] = []
    for instance in sorted(instances, key=_area, reverse=True):
        placement = _place(instance, rectangles, config, generator)
        if placement is None:
            return None
        placed[instance.name] = placement
        rectangles.append(_rectangle(placement, config.gap_m / 2))
    return [placed[instance.name] for instance in instances]


def _area(instance: Instance) -> float:
    x_min, x_max, y_min, y_max = instance.spec.footprint_m
    return (x_max - x_min) * (y_max - y_min)


def _rectangle(placement: Placement, margin_m: float) -> NDArray[np.float64]:
    return corners(
        placement.instance.spec.footprint_m,
        x_m=placement.x_m,
        y_m=placement.y_m,
        yaw_rad=placement.yaw_rad,
        margin_m=margin_m,
    )


def _place(
    instance: Instance,
    rectangles: Sequence[NDArray[np.float64]],
    config: SceneConfig,
    generator: np.random.Generator,
) -> Placement | None:
    for _ in range(PLACES_TRIED):
        x = float(generator.uniform(*config.area_x_m))
        y = float(generator.uniform(*config.area_y_m))
        yaw = float(generator.uniform(-math.pi, math.pi))
        to_base = (config.arm_base_m[0] - x, config.arm_base_m[1] - y)
        if instance.spec.is_fixed:
            # Its front faces the arm, which is to press the button or pull the handle there.
            yaw = math.atan2(to_base[1], to_base[0])
        if not config.reach_m[0] <= math.hypot(*to_base) <= config.reach_m[1]:
            continue
        placement = Placement(instance=instance, x_m=x, y_m=y, yaw_rad=yaw)
        rectangle = _rectangle(placement, config.gap_m / 2)
        if not any(rectangles_overlap(rectangle, other) for other in rectangles):
            return placement
    return None
