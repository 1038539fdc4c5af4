"""When a step counts as done: read from MuJoCo's state, never from a skill's word."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from regard.world.effects import (
    centre_m,
    is_at_handover,
    is_inside,
    is_over_top,
    joint_share,
    opening_joint,
    poured,
    rests,
)
from regard.world.execution.person_hand import PersonHand
from regard.world.objects.contract import OPENED_FRACTION
from regard.world.skills.wiping import WIPED_SHARE, WipeRecord
from regard.world.table import TABLE_TOP_Z_M
from regard.world.world import World

RECEIVED = 0.7
SPILLED = 0.1
GRIPPER_OPEN = 0.5
NOT_DROPPED_M = 0.10

Criterion = Callable[[], bool]
"""Whether the effect is there at this moment."""


def criterion(world: World, skill: str, names: Mapping[str, str]) -> Criterion:
    """The criterion of one step, to be built before the step begins.

    Args:
        world: Where it happens.
        skill: Name of the skill.
        names: Its arguments.
    """
    if skill == "fetch":
        return lambda: _is_fetched(world, names["object"])
    if skill == "hand_over":
        hand = PersonHand(world, names["object"])
        world.physics.observers.append(hand.look)
        return lambda: _is_taken(world, hand, names["object"])
    if skill in ("put_in", "tidy"):
        return lambda: (
            is_inside(world.physics, names["object"], names["receiver"]) and _is_left(world, names)
        )
    if skill == "put_on":
        return lambda: (
            is_over_top(world.physics, names["object"], names["receiver"])
            and _is_left(world, names)
        )
    if skill in ("pour", "water"):
        return lambda: _is_poured(world, names)
    if skill == "press":
        was_on = world.is_on(names["object"])
        return lambda: world.is_on(names["object"]) != was_on
    if skill == "open":
        return lambda: _is_open(world, names["object"])
    assert skill == "wipe", skill
    record = WipeRecord(world.physics, world.contacts, spot=names["spot"], tool=names["tool"])
    world.physics.observers.append(record.look)
    return lambda: record.share >= WIPED_SHARE


def _is_fetched(world: World, name: str) -> bool:
    return is_at_handover(world.physics, name) and world.is_between_fingers(name)


def _is_taken(world: World, hand: PersonHand, name: str) -> bool:
    """The person has it, free of the fingers, and never had to pull harder than the limit."""
    is_gentle = hand.highest_n <= world.guard.limits.person_force_n
    is_high = centre_m(world.physics, name)[2] > TABLE_TOP_Z_M + NOT_DROPPED_M
    return hand.has_taken and is_gentle and is_high and not world.is_between_fingers(name)


def _is_left(world: World, names: Mapping[str, str]) -> bool:
    """The object rests on the receiver, and the gripper is open or has taken something else."""
    is_resting = rests(world.physics, world.contacts, names["object"], on=names["receiver"])
    is_open = world.arm.state().gripper_closed < GRIPPER_OPEN or world.holding() is not None
    return is_resting and is_open and not world.is_between_fingers(names["object"])


def _is_poured(world: World, names: Mapping[str, str]) -> bool:
    now = poured(world.physics, world.instances[names["source"]], names["receiver"])
    return now.received >= RECEIVED and now.spilled <= SPILLED


def _is_open(world: World, name: str) -> bool:
    joint = opening_joint(world.physics, name)
    return joint is not None and joint_share(world.physics, joint) >= OPENED_FRACTION
