"""Open and close drawers and lids by their handles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import mink
import numpy as np

from regard.world.effects import joint_share, opening_joint
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Pace, Path, Straight, Tilt, shifted
from regard.world.objects.contract import OPENED_FRACTION, Affordance
from regard.world.skills.context import APPROACH, GRIP_S, OPEN, SHUT, TRAVEL, SkillContext
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.grasps import Grasp, either_way, leaning
from regard.world.skills.picking import open_hand
from regard.world.skills.placing import let_go

STANDOFF_M = 0.08
WIDE_SHARE = 0.88
CLOSED_SHARE = 0.1
DRAW = Pace(speed_m_s=0.08, turn_rad_s=0.5)
PARTS = (1.0, 0.8, 0.6, 0.4)
"""Where no hand can go the whole way, it goes a part of it, lets go and takes hold anew."""
NUM_ATTEMPTS = 4
PRESHAPE_S = 0.4
PRESHAPED = 0.55
"""Wide open, a finger would come down on the front that the handle stands before."""
UPRIGHT = 0.8
"""A handle whose own vertical points up by more than this share stands on the lid."""
BEYOND_SHUT = -0.03
"""The bar has play between the fingers: a little beyond shut is shut."""


@dataclass(frozen=True, kw_only=True)
class OpenArguments(Arguments):
    """What is opened or closed."""

    object: str = field(metadata={"help": "name of the drawer or box"})


class Open(Skill):
    """Opens a drawer or a lid."""

    name = "open"
    summary = "Open a drawer or a lid"
    arguments = OpenArguments
    wanted_share = WIDE_SHARE

    def check(self, context: SkillContext, arguments: OpenArguments) -> None:
        """It opens, and the hand is empty."""
        instance = context.world.instance(arguments.object)
        if not instance.spec.affords(Affordance.OPEN):
            raise SkillFailure(FailureKind.IMPOSSIBLE, f"the {instance.label} does not open")
        held = context.world.holding()
        if held is not None:
            label = context.world.instance(held).label
            raise SkillFailure(FailureKind.HAND_FULL, f"the hand holds the {label}; put it down")

    def act(self, context: SkillContext, arguments: OpenArguments) -> None:
        """Takes the handle and moves it along its way, in several strokes if need be."""
        for _ in range(NUM_ATTEMPTS):
            if self.is_done(context, arguments):
                return
            context.report(0.2, "reaching for the handle")
            move_handle(context, arguments.object, share=self.wanted_share)

    def is_done(self, context: SkillContext, arguments: OpenArguments) -> bool:
        """Beyond 70 % of its range."""
        return _share(context, arguments.object) >= OPENED_FRACTION

    def words(self, context: SkillContext, arguments: OpenArguments) -> str:
        """What is open."""
        return f"the {context.world.instance(arguments.object).label} is open"


class Close(Open):
    """Closes a drawer or a lid."""

    name = "close"
    summary = "Close a drawer or a lid"
    wanted_share = BEYOND_SHUT

    def is_done(self, context: SkillContext, arguments: OpenArguments) -> bool:
        """Within 10 % of shut."""
        return _share(context, arguments.object) <= CLOSED_SHARE

    def words(self, context: SkillContext, arguments: OpenArguments) -> str:
        """What is shut."""
        return f"the {context.world.instance(arguments.object).label} is shut"


def move_handle(context: SkillContext, name: str, *, share: float) -> None:
    """Takes the handle and moves its joint to a share of its range, or a part of the way there.

    Raises:
        SkillFailure: No way of holding the handle serves even a part of the way.
    """
    open_hand(context)
    context.look_around()
    joint = opening_joint(context.world.physics, name)
    assert joint is not None
    hands = list(_handle_grasps(context, name))
    begin = joint_share(context.world.physics, joint)
    for part, hand in itertools.product(PARTS, hands):
        goal = begin + part * (share - begin)
        ready = shifted(hand, -STANDOFF_M * np.asarray(hand.rotation().as_matrix()[:, 2]))
        start, joints = context.mover.hand(), context.joints()
        over = context.transit.over(start, ready, seed_rad=joints, load=None)
        if over is None:
            continue
        last = Straight(ready, hand)
        way = [last, _way(context, joint, hand, share=goal)]
        seed = over.joints_rad
        if context.transit.walk(way, seed_rad=seed, load=None, ignore=(name,)) is None:
            continue
        if not context.mover.can_follow([*over.paths, last], pace=TRAVEL):
            continue
        context.follow(over.paths, pace=TRAVEL)
        context.mover.grip(PRESHAPED, seconds=PRESHAPE_S)
        context.mover.follow(last, pace=APPROACH)
        context.mover.grip(SHUT, seconds=GRIP_S)
        _draw(context, joint, share=goal)
        # Half-open fingers would take a lid along when they draw back.
        context.mover.grip(OPEN, seconds=GRIP_S)
        let_go(context)
        return
    label = context.world.instance(name).label
    raise SkillFailure(FailureKind.UNREACHABLE, f"the handle of the {label} cannot be moved so")


def _draw(context: SkillContext, joint: str, *, share: float) -> None:
    """Moves the hand along the joint's way, as far as the arm and the joint's end let it."""
    way = _way(context, joint, context.mover.hand(), share=share)
    try:
        context.mover.follow(way, pace=DRAW)
    except SkillFailure as failure:
        # Against its end the hand stops short of its goal; the joint says whether it was enough.
        if failure.kind not in (FailureKind.UNREACHABLE, FailureKind.BLOCKED):
            raise


def _handle_grasps(context: SkillContext, name: str) -> Iterator[mink.SE3]:
    seen = context.perception.look(name)
    floor = _below_handle_m(context, name)
    for site in ("handle", "handle_front"):
        if not context.world.physics.has("site", f"{name}/{site}"):
            continue
        base = context.perception.offset(name, site)
        for tilted in leaning(base):
            for hand in either_way(tilted):
                grasp = Grasp(site=site, hand_in_object=hand)
                yield grasp.above_ground(seen, floor_m=floor).hand(seen)


def _below_handle_m(context: SkillContext, name: str) -> float:
    """How high above the object's origin what the fingers must stay off is.

    A lid on which the handle stands upright, else what the object itself stands on.
    """
    physics = context.world.physics
    if not physics.has("joint", f"{name}/hinge"):
        return 0.0
    handle = physics.data.geom(f"{name}/handle")
    upward = handle.xmat.reshape(3, 3)[2, 2]
    if upward < UPRIGHT:
        return 0.0
    foot = handle.xpos[2] - physics.model.geom(f"{name}/handle").size[2] * upward
    return float(foot - physics.body_pose(f"{name}/body").position_m[2])


def _way(context: SkillContext, joint: str, hand: mink.SE3, *, share: float) -> Path:
    """The way of the hand that moves the joint to a share of its range."""
    physics = context.world.physics
    low, high = physics.joint_range(joint)
    change = low + share * (high - low) - physics.joint_position(joint)
    axis, anchor = physics.joint_axis(joint)
    if joint.endswith("slide"):
        return Straight(hand, shifted(hand, change * axis))
    return Tilt(start=hand, pivot_m=anchor, axis=axis, turn_rad=change)


def _share(context: SkillContext, name: str) -> float:
    joint = opening_joint(context.world.physics, name)
    assert joint is not None
    return joint_share(context.world.physics, joint)
