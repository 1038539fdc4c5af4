"""Bring an object to the person, and hand it over."""

from __future__ import annotations

from dataclasses import dataclass, field

import mink
import numpy as np

from regard.world.effects import HANDOVER_SITE, centre_m, is_at_handover
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import pose
from regard.world.motion.transit import Load
from regard.world.skills.context import CARRY, OPEN, SkillContext
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.grasps import Grasp
from regard.world.skills.picking import check_can_pick, pick
from regard.world.skills.placing import require_held

HOLD_S = 1.0
YAWS_RAD = (0.0, 0.5, -0.5, 1.0, -1.0, 1.57, -1.57, 2.2, -2.2, 3.14)
OFFSETS_M = ((0.0, 0.0, 0.0), (0.03, 0.0, 0.02), (0.05, 0.0, 0.0), (0.04, 0.0, -0.04))
"""Tried in turn about the hand-over point; away from the person where one is needed."""
OFFER_S = 15.0
PULL_M = 0.004
"""An object that moved so far in the fingers is being pulled."""
PULL_N = 3.0
RELEASE_S = 0.6


@dataclass(frozen=True, kw_only=True)
class FetchArguments(Arguments):
    """What is brought."""

    object: str = field(metadata={"help": "name of the object to bring to the person"})


class Fetch(Skill):
    """Brings an object to where things are handed over, and holds it there."""

    name = "fetch"
    summary = "Bring an object to the person and hold it there"
    arguments = FetchArguments

    def check(self, context: SkillContext, arguments: FetchArguments) -> None:
        """The object is there and can be picked up, or is in the hand already."""
        if context.world.holding() != arguments.object:
            check_can_pick(context, arguments.object)

    def act(self, context: SkillContext, arguments: FetchArguments) -> None:
        """Picks it up, and carries it to the person, upright."""
        if context.world.holding() != arguments.object:
            pick(
                context,
                arguments.object,
                suits=lambda grasp: self._suits(context, arguments.object, grasp),
            )
        bring(context, arguments.object)
        context.mover.wait(HOLD_S)
        require_held(context, arguments.object)

    def is_done(self, context: SkillContext, arguments: FetchArguments) -> bool:
        """Its centre is within 10 cm of the hand-over point, and it is held."""
        world = context.world
        return is_at_handover(world.physics, arguments.object) and world.is_between_fingers(
            arguments.object
        )

    def words(self, context: SkillContext, arguments: FetchArguments) -> str:
        """What is held where."""
        return f"the {context.world.instance(arguments.object).label} is in front of you"

    def _suits(self, context: SkillContext, name: str, grasp: Grasp) -> bool:
        load = Load(name=name, in_hand=grasp.hand_in_object.inverse())
        return _hand_at_person(context, load) is not None


class HandOver(Fetch):
    """Brings an object and lets go when the person pulls on it."""

    name = "hand_over"
    summary = "Give an object to the person: let go when they pull"
    is_repeatable = False

    def act(self, context: SkillContext, arguments: FetchArguments) -> None:
        """Brings it, waits for a pull, lets go."""
        super().act(context, arguments)
        name = arguments.object
        context.report(0.8, "take it, please")
        start = _in_hand_m(context, name)
        pulled = context.mover.wait(
            OFFER_S,
            until=lambda: (
                float(np.linalg.norm(_in_hand_m(context, name) - start)) > PULL_M
                or context.world.guard.pull_n(name) > PULL_N
            ),
        )
        if not pulled:
            raise SkillFailure(
                FailureKind.NOT_DONE, "nobody took it; the hand still holds it before you"
            )
        context.mover.grip(OPEN, seconds=RELEASE_S)

    def is_done(self, context: SkillContext, arguments: FetchArguments) -> bool:
        """The hand no longer holds it."""
        return not context.world.is_between_fingers(arguments.object)

    def words(self, context: SkillContext, arguments: FetchArguments) -> str:
        """What was given."""
        return f"you have the {context.world.instance(arguments.object).label}"


def bring(context: SkillContext, name: str) -> None:
    """Carries what is held to the person, upright.

    Raises:
        SkillFailure: The hand cannot get there, or the object slipped.
    """
    context.report(0.5, "bringing it to you")
    context.look_around()
    load = context.load()
    hand = None if load is None else _hand_at_person(context, load)
    if hand is None:
        label = context.world.instance(name).label
        raise SkillFailure(FailureKind.UNREACHABLE, f"the {label} cannot be held before you")
    context.travel(hand, pace=CARRY)
    require_held(context, name)


def _hand_at_person(context: SkillContext, load: Load) -> mink.SE3 | None:
    """Where the hand is when the object, upright, is where things are handed over."""
    site = context.world.physics.site_pose(HANDOVER_SITE).position_m
    middle = _middle(context, load.name)
    held = context.world.holding() == load.name
    present = context.mover.hand() @ load.in_hand if held else context.perception.look(load.name)
    forward = present.rotation().as_matrix()[:, 0]
    first = float(np.arctan2(forward[1], forward[0]))
    for offset in OFFSETS_M:
        for yaw in YAWS_RAD:
            rotation = mink.SO3.from_z_radians(first + yaw)
            place = site + np.array(offset) - rotation.apply(middle)
            hand = pose(place, rotation.as_matrix()) @ load.in_hand.inverse()
            joints = context.transit.solve(hand, seed_rad=context.joints())
            if joints is None:
                continue
            touched = context.world.clearance.touched(joints, held=(load.name, load.in_hand))
            if not touched:
                return hand
    return None


def _middle(context: SkillContext, name: str) -> np.ndarray:
    """(3,) centre of mass in the frame of the object's body."""
    body = context.world.physics.body_pose(f"{name}/body")
    return np.asarray(body.rotation.T @ (centre_m(context.world.physics, name) - body.position_m))


def _in_hand_m(context: SkillContext, name: str) -> np.ndarray:
    """(3,) where the object is, seen from the fingers."""
    hand = context.world.physics.site_pose("arm/gripper/tcp")
    place = context.world.physics.body_pose(f"{name}/body").position_m
    return np.asarray(hand.rotation.T @ (place - hand.position_m))
