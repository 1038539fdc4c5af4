"""Puts what the hand holds somewhere, and lets go of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import mink
import numpy as np

from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Path, Straight, pose, shifted
from regard.world.motion.transit import Load
from regard.world.objects.contract import Instance
from regard.world.skills.context import APPROACH, CARRY, GENTLE, OPEN, TRAVEL, SkillContext

NUM_YAWS = 8
HOVER_M = 0.08
CLEAR_M = 0.006
"""Where something is set down, it is let go so far above what it is set on, or at contact."""
NEAR_END_M = 0.02
HIGH_M = 0.05
PUSH_N = 8.0
FINGERTIPS_N = 2.0
RELEASE_OPENING = 0.25
"""Share of the gripper's travel: 21 mm, enough to let go, not enough to push a rim."""
RELEASE_S = 0.5
RETREAT_M = 0.10
DEPTHS = (0.85, 0.5, 0.2, 0.0, -0.25)
"""Shares of a container's depth at which something may be let go: deep is best."""
PITCHES_RAD = tuple(math.radians(angle) for angle in (90, 65, 45))
"""What is too long to lie in a container goes in on end, else slanting, its low end first."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Where the hand lets go."""

    hand: mink.SE3
    """Pose of the point between the pads."""

    hover: mink.SE3
    """The same above it."""

    ways: list[Path]
    """From where the hand is to the hover; empty while the object is not held yet."""


def extent_below_m(instance: Instance, rotation: np.ndarray) -> float:
    """How far an object reaches below its origin when it is turned so."""
    return -float((_corners(instance) @ np.asarray(rotation).T)[:, 2].min())


def poses_on(
    context: SkillContext, instance: Instance, *, spot_m: np.ndarray, present: mink.SE3
) -> Iterator[mink.SE3]:
    """Poses of an object standing on a spot (3,), those that need the least turning first."""
    for rotation in _standing(present):
        yield pose(spot_m + np.array([0, 0, CLEAR_M]), rotation)


def poses_in(
    context: SkillContext, instance: Instance, receiver: str, *, present: mink.SE3
) -> list[mink.SE3]:
    """Poses of an object in a container, the deepest and least turned first."""
    opening = context.perception.element_now(receiver, "opening")
    floor = context.perception.look(receiver)
    depth = float(opening.translation()[2] - floor.translation()[2])
    radius = float(context.world.physics.site_size(f"{receiver}/opening")[0])
    rotations = list(_fitting(instance, present, radius))
    found = []
    for share, rotation in itertools.product(DEPTHS, rotations):
        turned = _corners(instance) @ np.asarray(rotation).T
        middle = _middle_at(turned, height_m=max(0.0, share * depth / 2))
        # Let go above the rim, what does not go through at once comes to lie across it.
        if share <= 0 and np.hypot(*(turned - middle)[:, :2].T).max() > radius:
            continue
        bottom = opening.translation() - np.array([0, 0, share * depth])
        place = bottom - np.array([middle[0], middle[1], turned[:, 2].min()])
        found.append(pose(place, rotation))
    return found


def release_for(
    context: SkillContext,
    load: Load,
    poses: Iterable[mink.SE3],
    *,
    seed_rad: np.ndarray,
    touching: tuple[str, ...],
) -> Release | None:
    """The first pose where the hand can let go of its load, or None.

    Args:
        context: What the skill works with.
        load: What is held, and how.
        poses: Wanted poses of the object.
        seed_rad: (joints,) where the search for joint angles begins.
        touching: What the object may touch there.
    """
    clearance = context.world.clearance
    held = (load.name, load.in_hand)
    for wanted in poses:
        hand = wanted @ load.in_hand.inverse()
        hover = shifted(hand, np.array([0, 0, HOVER_M]))
        above = context.transit.solve(hover, seed_rad=seed_rad)
        if above is None or clearance.touched(above, held=held):
            continue
        down = context.transit.solve(hand, seed_rad=above)
        if down is None:
            continue
        if clearance.touched(down, held=held, ignore=touching):
            continue
        back = context.transit.solve(shifted(hand, _back(hand)), seed_rad=down)
        if back is not None and clearance.touched(back, ignore=(load.name, *touching)):
            continue
        if context.world.holding() != load.name:
            return Release(hand=hand, hover=hover, ways=[])
        start, joints = context.mover.hand(), context.joints()
        way = context.transit.over(start, hover, seed_rad=joints, load=load, ignore=touching)
        if way is None:
            continue
        last = [Straight(hover, hand)]
        seed = way.joints_rad
        walked = context.transit.walk(last, seed_rad=seed, load=load, ignore=touching)
        if walked is not None and context.mover.can_follow([*way.paths, *last], pace=CARRY):
            return Release(hand=hand, hover=hover, ways=way.paths)
    return None


def place(context: SkillContext, release: Release) -> None:
    """Lets go of what is held at a release, and takes the hand away.

    Raises:
        SkillFailure: No way, a force over its limit, or it slipped on the way.
    """
    name = context.world.holding()
    if name is None:
        raise SkillFailure(FailureKind.HAND_EMPTY, "the hand holds nothing to put down")
    context.follow(release.ways, pace=CARRY)
    require_held(context, name)
    try:
        context.mover.follow(
            Straight(release.hover, release.hand),
            pace=GENTLE,
            until=lambda: _is_down(context, name, release),
        )
    except SkillFailure as failure:
        # What lies against a wall is let go a little higher than was meant.
        if failure.kind is not FailureKind.UNREACHABLE or _height_left(context, release) > HIGH_M:
            raise
    require_held(context, name)
    let_go(context)


def let_go(context: SkillContext) -> None:
    """Opens a little, draws back along the fingers, rises, opens wide."""
    closed = context.world.arm.state().gripper_closed
    context.mover.grip(max(OPEN, closed - RELEASE_OPENING), seconds=RELEASE_S)
    hand = context.mover.hand()
    context.withdraw(_back(hand), pace=APPROACH)
    context.withdraw(np.array([0, 0, RETREAT_M / 2]), pace=TRAVEL)
    context.mover.grip(OPEN, seconds=0.2)


def _back(hand: mink.SE3) -> np.ndarray:
    """(3,) way back along the fingers."""
    return -RETREAT_M * np.asarray(hand.rotation().as_matrix()[:, 2])


def require_held(context: SkillContext, name: str) -> None:
    """Raises `SkillFailure` if an object is no longer between the fingers."""
    if not context.world.is_between_fingers(name):
        label = context.world.instance(name).label
        raise SkillFailure(FailureKind.DROPPED, f"the {label} slipped out of the fingers")


def _is_down(context: SkillContext, name: str, release: Release) -> bool:
    """Stands on something near the end of the way, or presses on something before it.

    What tilted in the fingers may leave it to the fingertips to meet the table first.
    """
    if context.world.contacts.force_n(("arm/",), ("table",)) > FINGERTIPS_N:
        return True
    force = _support_n(context, name)
    left = _height_left(context, release)
    return force > PUSH_N or (force > 0.3 and left < NEAR_END_M)


def _height_left(context: SkillContext, release: Release) -> float:
    """How far the hand is above where it was to let go."""
    hand = context.mover.kinematics.tcp()
    return float(hand.translation()[2] - release.hand.translation()[2])


def _support_n(context: SkillContext, name: str) -> float:
    """Force of all but the arm and its own beads on an object."""
    others = [f"{other}/" for other in context.world.instances if other != name]
    return context.world.contacts.force_n((f"{name}/",), ("table", *others))


def _standing(present: mink.SE3) -> Iterator[np.ndarray]:
    """Upright rotations, from the present yaw on to both sides."""
    forward = present.rotation().as_matrix()[:, 0]
    yaw = math.atan2(forward[1], forward[0])
    for step in sorted(range(NUM_YAWS), key=lambda step: min(step, NUM_YAWS - step)):
        turn = mink.SO3.from_z_radians(yaw + 2 * math.pi * step / NUM_YAWS)
        yield np.asarray(turn.as_matrix())


def _fitting(instance: Instance, present: mink.SE3, radius_m: float) -> Iterator[np.ndarray]:
    """Rotations in which an object goes through an opening: as it stands, else low end first."""
    footprint = instance.spec.footprint_m
    length = max(footprint.x_max - footprint.x_min, footprint.y_max - footprint.y_min)
    if length < 2 * radius_m:
        yield from _standing(present)
        return
    for pitch in PITCHES_RAD:
        for upright in _standing(present):
            for sense in (1.0, -1.0):
                turn = mink.SO3.from_y_radians(sense * pitch)
                yield upright @ np.asarray(turn.as_matrix())
    yield from _standing(present)


def _middle_at(turned_m: np.ndarray, *, height_m: float) -> np.ndarray:
    """(3,) middle of a turned box (8, 3) so far above its low end."""
    rising = turned_m[np.argsort(turned_m[:, 2])]
    low, high = rising[:4].mean(axis=0), rising[4:].mean(axis=0)
    return np.asarray(low + (high - low) * height_m / (high[2] - low[2]))


def _corners(instance: Instance) -> np.ndarray:
    """(8, 3) corners of the box round an object, in its own frame."""
    foot = instance.spec.footprint_m
    xs, ys, zs = (foot.x_min, foot.x_max), (foot.y_min, foot.y_max), (0, instance.spec.height_m)
    return np.array(list(itertools.product(xs, ys, zs)), dtype=np.float64)
