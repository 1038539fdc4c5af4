"""Which objects stand where: drawn from a seed, or read from a file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.common.errors import UserError
from regard.common.seeding import numpy_generator
from regard.world.objects.contract import Affordance, Instance, ObjectSpec
from regard.world.overlap import corners, rectangles_overlap
from regard.world.scene_config import SceneConfig

PLACES_TRIED = 120
LAYOUTS_TRIED = 15


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

    Required objects come first; then clutter is drawn, and what finds no room is left out.

    Raises:
        LayoutError: If the objects do not fit, or a required kind is unknown.
    """
    generator = numpy_generator(seed, "layout")
    kinds = config.kinds()
    if unknown := [kind for kind in config.required if kind not in kinds]:
        raise LayoutError(f"unknown kinds {', '.join(unknown)}; there are: {', '.join(kinds)}")
    for _ in range(LAYOUTS_TRIED):
        drawing = _Drawing(config, generator)
        if drawing.place_required() and drawing.place_clutter():
            return drawing.layout()
    required = f" ({', '.join(config.required)} among them)" if config.required else ""
    raise LayoutError(
        f"no room for {config.num_objects} objects{required} with gaps of {config.gap_m} m and "
        f"{config.num_look_alike_pairs} look-alike pairs; ask for fewer, or for a larger area"
    )


def look_alike_pairs(specs: Sequence[ObjectSpec]) -> int:
    """How many pairs of objects belong to one look-alike group."""
    groups = Counter(spec.look_alike_group for spec in specs)
    return sum(math.comb(count, 2) for count in groups.values())


class _Drawing:
    """One try at a layout."""

    def __init__(self, config: SceneConfig, generator: np.random.Generator) -> None:
        self._config = config
        self._generator = generator
        kinds = config.kinds()
        self._required = [kinds[kind] for kind in config.required]
        self._clutter = [spec for kind, spec in kinds.items() if kind not in config.excluded]
        self._placements: list[Placement] = []
        self._rectangles: list[NDArray[np.float64]] = []

    def layout(self) -> Layout:
        return Layout(placements=tuple(self._placements))

    def place_required(self) -> bool:
        """Places the required objects, the largest first; False when one finds no room."""
        return all(self._place(spec) for spec in sorted(self._required, key=_area, reverse=True))

    def place_clutter(self) -> bool:
        """Places clutter until there is enough; False when no more fits."""
        without_room: set[str] = set()
        while len(self._placements) < self._config.num_objects:
            wanted = [spec for spec in self._clutter if spec.kind not in without_room]
            if not wanted:
                return False
            wanted = (self._needs_look_alike() and self._look_alikes(wanted)) or self._new(wanted)
            spec = wanted[int(self._generator.integers(len(wanted)))]
            if not self._place(spec):
                without_room.add(spec.kind)
        return not self._needs_look_alike()

    def _specs(self) -> list[ObjectSpec]:
        return [placement.instance.spec for placement in self._placements]

    def _needs_look_alike(self) -> bool:
        # Each object drawn beside those that are there can make one pair.
        num_drawn = self._config.num_objects - max(1, len(self._required))
        wanted = min(self._config.num_look_alike_pairs, num_drawn)
        return look_alike_pairs(self._specs()) < wanted

    def _look_alikes(self, wanted: Sequence[ObjectSpec]) -> list[ObjectSpec]:
        """What can be mistaken for an object that is there: another kind, else a second of one."""
        groups = {spec.look_alike_group for spec in self._specs()}
        alike = [
            spec
            for spec in wanted
            if spec.look_alike_group in groups and spec.affords(Affordance.GRASP)
        ]
        present = {spec.kind for spec in self._specs()}
        return [spec for spec in alike if spec.kind not in present] or alike

    def _new(self, wanted: Sequence[ObjectSpec]) -> list[ObjectSpec]:
        """Kinds that are not there yet; once all are, whatever can be had."""
        present = {spec.kind for spec in self._specs()}
        return [spec for spec in wanted if spec.kind not in present] or list(wanted)

    def _place(self, spec: ObjectSpec) -> bool:
        config, draw = self._config, self._generator.uniform
        for _ in range(PLACES_TRIED):
            x, y = float(draw(*config.area_x_m)), float(draw(*config.area_y_m))
            yaw = float(draw(-math.pi, math.pi))
            to_base = (config.arm_base_m[0] - x, config.arm_base_m[1] - y)
            if spec.is_fixed:
                # Its front faces the arm, which is to press the button or pull the handle there.
                yaw = math.atan2(to_base[1], to_base[0])
            if not config.reach_m[0] <= math.hypot(*to_base) <= config.reach_m[1]:
                continue
            rectangle = corners(
                spec.footprint_m, x_m=x, y_m=y, yaw_rad=yaw, margin_m=config.gap_m / 2
            )
            if not any(rectangles_overlap(rectangle, other) for other in self._near(rectangle)):
                self._rectangles.append(rectangle)
                instance = self._instance(spec)
                self._placements.append(Placement(instance=instance, x_m=x, y_m=y, yaw_rad=yaw))
                return True
        return False

    def _near(self, rectangle: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The rectangles whose circle meets the circle of this one: the others cannot overlap."""
        if not self._rectangles:
            return []
        placed = np.stack([*self._rectangles, rectangle])  # (object, corner, 2)
        centres = placed.mean(axis=1)
        radii = np.linalg.norm(placed[:, 0] - centres, axis=1)
        distances = np.linalg.norm(centres[:-1] - centres[-1], axis=1)
        return [self._rectangles[i] for i in np.flatnonzero(distances < radii[:-1] + radii[-1])]

    def _instance(self, spec: ObjectSpec) -> Instance:
        """The next of its kind, in a colour that none of its kind has yet where there is one."""
        same = [p.instance for p in self._placements if p.instance.kind == spec.kind]
        taken = {instance.colour for instance in same}
        free = [colour for colour in spec.colours if colour not in taken] or list(spec.colours)
        colour = free[int(self._generator.integers(len(free)))]
        return Instance(name=f"{spec.kind}_{len(same) + 1}", spec=spec, colour=colour)


def _area(spec: ObjectSpec) -> float:
    x_min, x_max, y_min, y_max = spec.footprint_m
    return (x_max - x_min) * (y_max - y_min)
