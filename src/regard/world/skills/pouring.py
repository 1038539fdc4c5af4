"""Pours the beads of a vessel into a receiver."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import mink
import numpy as np

from regard.world.effects import Poured, poured
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Pace, Path, Straight, Tilt, pose, shifted
from regard.world.motion.transit import Load
from regard.world.skills.context import APPROACH, CARRY, SkillContext
from regard.world.skills.placing import require_held

NUM_DIRECTIONS = 12
CLEARANCES_M = (0.03, 0.05)
"""Heights of the spout's tip above the receiver's rim."""
INSIDE_M = 0.012
"""The tip stands so far inside the rim on the far side of the stream."""
READY_TILTS_RAD = (0.0, math.radians(72))
"""How far the vessel is tilted before it comes down: one without a long spout would stand in the
receiver's rim upright, and still keeps what is in it so."""
TILTS_RAD = tuple(math.radians(angle) for angle in (80, 110, 125, 140, 155))
CHECKED_TILTS_RAD = tuple(math.radians(angle) for angle in (130, 112))
"""Tilts that a place must allow: beads run out at either, the steeper empties a vessel surely."""
HOVER_M = 0.08
STEADY = Pace(speed_m_s=0.10, turn_rad_s=0.7)
RUN_S = 0.5
MAX_RUNS = 6
ENOUGH = 0.9
FEWEST_PER_RUN = 0.02


@dataclass(frozen=True, kw_only=True)
class PourPlace:
    """How the hand holds the vessel over the receiver, and about what it tilts."""

    hand: mink.SE3
    """The vessel upright, its spout over the receiver."""

    pivot_m: np.ndarray
    """(3,) the spout's tip."""

    axis: np.ndarray
    """(3,) axis of the tilt; right-handed turning lowers the spout."""

    ready_rad: float = 0.0
    """How far it is tilted while still above."""

    ways: list[Path] = field(default_factory=list)
    """From where the hand is to the hover; empty while the vessel is not held yet."""

    def hover(self) -> mink.SE3:
        """Where the hand comes from."""
        return shifted(self.hand, np.array([0, 0, HOVER_M]))

    def down(self) -> list[Path]:
        """Tilts the vessel above the receiver so far that it clears the rim, and lowers it."""
        above = self.pivot_m + np.array([0, 0, HOVER_M])
        ready = Tilt(start=self.hover(), pivot_m=above, axis=self.axis, turn_rad=self.ready_rad)
        end = ready.at(1.0)
        return [ready, Straight(end, shifted(end, np.array([0, 0, -HOVER_M])))]

    def tilt(self, start: mink.SE3, angle_rad: float) -> Tilt:
        """Tilts further by an angle."""
        return Tilt(start=start, pivot_m=self.pivot_m, axis=self.axis, turn_rad=angle_rad)


def pour_place(
    context: SkillContext,
    load: Load,
    receiver: str,
    *,
    seed_rad: np.ndarray,
    tilts_rad: tuple[float, ...] = CHECKED_TILTS_RAD,
) -> PourPlace | None:
    """Where a vessel can be poured out over a receiver with the hand on it so, or None.

    Args:
        context: What the skill works with.
        load: The vessel, and how it is held or would be.
        receiver: Name of what receives.
        seed_rad: (joints,) where the search for joint angles begins.
        tilts_rad: How far it must be possible to tilt it, the best first.
    """
    opening = context.perception.element_now(receiver, "opening").translation()
    spout = context.perception.offset(load.name, "spout")
    places = list(_places(context, load, opening, spout))
    for angle in tilts_rad:
        for place in places:
            found = _reached(context, load, place, receiver, seed_rad=seed_rad, tilt_rad=angle)
            if found is not None:
                return found
    return None


def _reached(
    context: SkillContext,
    load: Load,
    place: PourPlace,
    receiver: str,
    *,
    seed_rad: np.ndarray,
    tilt_rad: float,
) -> PourPlace | None:
    """The place with the way to it, if the hand gets there and can tilt so far; else None."""
    hover = context.transit.solve(place.hover(), seed_rad=seed_rad)
    if hover is None:
        return None
    if context.world.holding() == load.name:
        way = context.transit.over(
            context.mover.hand(), place.hover(), seed_rad=seed_rad, load=load, ignore=(receiver,)
        )
        if way is None:
            return None
        hover, place = way.joints_rad, replace(place, ways=way.paths)
    *down, lowered = place.down()
    last = place.tilt(lowered.at(1.0), tilt_rad - place.ready_rad)
    paths = [*down, lowered, last]
    # The receiver counts too: a finger below the spout would sweep over its rim.
    if context.transit.walk(paths, seed_rad=hover, load=load) is None:
        return None
    if place.ways and not context.mover.can_follow([*place.ways, *down, lowered], pace=CARRY):
        return None
    return place


def pour_out(context: SkillContext, place: PourPlace, receiver: str, *, name: str) -> Poured:
    """Carries the held vessel there, tilts it until enough has run out, and rights it.

    Raises:
        SkillFailure: No way, or the vessel slipped.
    """
    context.follow(place.ways, pace=CARRY)
    require_held(context, name)
    down = place.down()
    for path in down:
        if path.length_m > 0:
            context.mover.follow(path, pace=APPROACH)
    context.report(0.6, "pouring")
    source = context.world.instance(name)
    tilted = place.ready_rad
    hand = down[-1].at(1.0)
    for angle in TILTS_RAD:
        path = place.tilt(hand, angle - tilted)
        try:
            context.mover.follow(path, pace=STEADY)
        except SkillFailure as failure:
            # A wrist at its limit has tilted as far as it can: what runs out now has to do.
            if failure.kind is not FailureKind.UNREACHABLE or tilted == place.ready_rad:
                raise
            break
        hand, tilted = path.at(1.0), angle
        if _run_out(context, receiver, name).received >= ENOUGH:
            break
    require_held(context, name)
    start = context.mover.hand()
    turned = place.hand.rotation().inverse() @ start.rotation()
    back = float(np.linalg.norm(turned.log())) - place.ready_rad
    context.mover.follow(place.tilt(start, -back), pace=STEADY)
    context.shift(np.array([0, 0, HOVER_M]), pace=APPROACH)
    context.mover.follow(Straight(context.mover.hand(), place.hover()), pace=APPROACH)
    return poured(context.world.physics, source, receiver)


def _run_out(context: SkillContext, receiver: str, name: str) -> Poured:
    """Waits while something still runs."""
    source = context.world.instance(name)
    now = poured(context.world.physics, source, receiver)
    for _ in range(MAX_RUNS):
        before = now
        context.mover.wait(RUN_S)
        now = poured(context.world.physics, source, receiver)
        if now.received >= ENOUGH or before.kept - now.kept < FEWEST_PER_RUN:
            break
    return now


def _places(
    context: SkillContext, load: Load, opening_m: np.ndarray, spout: mink.SE3
) -> Iterator[PourPlace]:
    """Directions of pouring, those nearest to the present one first."""
    is_held = context.world.holding() == load.name
    present = context.mover.hand() @ load.in_hand if is_held else context.perception.look(load.name)
    outward = spout.rotation().as_matrix()[:, 2]
    first = present.rotation().apply(outward)
    first_yaw = math.atan2(first[1], first[0])
    own_yaw = math.atan2(outward[1], outward[0])
    steps = sorted(range(NUM_DIRECTIONS), key=lambda step: min(step, NUM_DIRECTIONS - step))
    for ready, clearance in itertools.product(READY_TILTS_RAD, CLEARANCES_M):
        for step in steps:
            yaw = first_yaw + 2 * math.pi * step / NUM_DIRECTIONS
            direction = np.array([math.cos(yaw), math.sin(yaw), 0.0])
            tip = opening_m + np.array([0, 0, clearance]) - INSIDE_M * direction
            rotation = mink.SO3.from_z_radians(yaw - own_yaw)
            body = pose(tip - rotation.apply(spout.translation()), rotation.as_matrix())
            yield PourPlace(
                hand=body @ load.in_hand.inverse(),
                pivot_m=tip,
                axis=np.cross([0, 0, 1], direction),
                ready_rad=ready,
            )
