"""What a generated scene is to hold, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regard.common.errors import UserError
from regard.world.objects.contract import ObjectSpec
from regard.world.objects.registry import all_objects, development_objects, held_out_objects

CATALOGUES = ("development", "held-out", "all")


@dataclass(frozen=True, kw_only=True)
class SceneConfig:
    """What a generated scene is to hold, and where."""

    num_objects: int = 10
    """Objects on the table, the required ones included."""
    required: tuple[str, ...] = ()
    """Kinds that must be present; the rest is clutter. A kind named twice is there twice."""
    excluded: tuple[str, ...] = ("towel",)
    """Kinds that clutter never takes; cloth costs more to simulate than all the rest."""
    catalogue: str = "development"
    """Which kinds there are to choose from: development, held-out or all."""
    num_look_alike_pairs: int = 1
    """At least so many pairs of one look-alike group, as far as there is clutter to make them."""
    gap_m: float = 0.02
    """Free space between two objects; the open fingers are 22 mm wide."""
    area_x_m: tuple[float, float] = (-0.18, 0.26)
    """Where objects' centres may stand, away from the person."""
    area_y_m: tuple[float, float] = (-0.42, 0.42)
    """Where objects' centres may stand, from the person's right to their left."""
    arm_base_m: tuple[float, float] = (0.50, 0.0)
    """Where the arm stands on the table."""
    reach_m: tuple[float, float] = (0.30, 0.68)
    """Least and greatest horizontal distance of an object's centre from the arm's base."""
    timestep_s: float = 0.002
    """Step of the simulation."""

    def __post_init__(self) -> None:
        if self.catalogue not in CATALOGUES:
            raise UserError(
                f"unknown catalogue {self.catalogue!r}; choose among {', '.join(CATALOGUES)}"
            )
        if self.num_objects < len(self.required):
            raise UserError(
                f"num_objects is {self.num_objects}, fewer than the {len(self.required)} required"
            )
        if self.num_objects < 0 or self.gap_m < 0 or self.timestep_s <= 0:
            raise UserError("num_objects and gap_m must not be negative, timestep_s is positive")
        for name in ("area_x_m", "area_y_m", "reach_m"):
            low, high = getattr(self, name)
            if not low < high:
                raise UserError(f"{name} must be a range of positive length, not {low} to {high}")

    def kinds(self) -> Mapping[str, ObjectSpec]:
        """The kinds to choose from, by name."""
        if self.catalogue == "development":
            return development_objects()
        return held_out_objects() if self.catalogue == "held-out" else all_objects()
