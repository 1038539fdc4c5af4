"""Press a button."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import mink
import numpy as np

from regard.world.effects import joint_share
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Straight, pose, shifted
from regard.world.objects.contract import PRESSED_FRACTION, Affordance
from regard.world.skills.context import APPROACH, GENTLE, SHUT, TRAVEL, SkillContext
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.grasps import FINGERTIP_M

STANDOFF_M = 0.06
PUSH_BEYOND_M = 0.008
PRESSED_SHARE = 0.9
YAWS_RAD = (0.0, 0.8, -0.8, 1.57)
LEANS_RAD = (0.0, 0.4)
"""The finger comes straight onto the button, else slanting, past what stands over it."""
SIDES_RAD = (0.0, 1.57, 3.14, 4.71)
NUM_ATTEMPTS = 2


@dataclass(frozen=True, kw_only=True)
class PressArguments(Arguments):
    """What is pressed."""

    object: str = field(metadata={"help": "name of the object whose button is pressed"})


class Press(Skill):
    """Presses the button of an object, which switches it."""

    name = "press"
    summary = "Press the button of a lamp or another switch"
    arguments = PressArguments

    def __init__(self) -> None:
        """Has pressed nothing yet."""
        self._was_on: bool | None = None

    def check(self, context: SkillContext, arguments: PressArguments) -> None:
        """It has a button, and the hand is empty."""
        instance = context.world.instance(arguments.object)
        if not instance.spec.affords(Affordance.PRESS):
            raise SkillFailure(FailureKind.IMPOSSIBLE, f"the {instance.label} has no button")
        held = context.world.holding()
        if held is not None:
            label = context.world.instance(held).label
            raise SkillFailure(FailureKind.HAND_FULL, f"the hand holds the {label}; put it down")

    def act(self, context: SkillContext, arguments: PressArguments) -> None:
        """Shuts the fingers, comes down on the button, goes back up."""
        name = arguments.object
        self._was_on = context.world.is_on(name)
        for _ in range(NUM_ATTEMPTS):
            context.report(0.2, "reaching for the button")
            self._push(context, name)
            if context.world.is_on(name) != self._was_on:
                return

    def is_done(self, context: SkillContext, arguments: PressArguments) -> bool:
        """The light changed."""
        return context.world.is_on(arguments.object) != self._was_on

    def words(self, context: SkillContext, arguments: PressArguments) -> str:
        """Whether it is on now."""
        state = "on" if context.world.is_on(arguments.object) else "off"
        return f"the {context.world.instance(arguments.object).label} is {state}"

    def _push(self, context: SkillContext, name: str) -> None:
        context.mover.grip(SHUT, seconds=0.5)
        context.look_around()
        ready, touch = self._way(context, name)
        approach = np.asarray(touch.rotation().as_matrix()[:, 2])
        context.travel(ready, pace=TRAVEL)
        joint = f"{name}/button"
        beyond = PUSH_BEYOND_M + context.world.physics.joint_range(joint)[1]
        end = shifted(touch, beyond * approach)
        for goal, pace in ((touch, APPROACH), (end, GENTLE)):
            start = context.mover.hand()
            path = Straight(start, goal)
            try:
                is_down = context.mover.follow(
                    path, pace=pace, until=lambda: _is_down(context, joint)
                )
            except SkillFailure as failure:
                if failure.kind not in (FailureKind.UNREACHABLE, FailureKind.BLOCKED):
                    raise
                # The finger stands on the rim of the button: the next attempt comes down anew.
                break
            if is_down:
                break
        context.mover.wait(0.1)
        context.mover.follow(Straight(context.mover.hand(), ready), pace=APPROACH)

    def _way(self, context: SkillContext, name: str) -> tuple[mink.SE3, mink.SE3]:
        """Where the shut fingers come from, and where they touch the button."""
        button = context.perception.element_now(name, "button")
        closing = button.rotation().as_matrix()
        straight = np.asarray(closing[:, 2])
        blocked = False
        for lean, side, yaw in itertools.product(LEANS_RAD, SIDES_RAD, YAWS_RAD):
            across = _about(straight, side) @ closing[:, 0]
            turned = _about(across, lean) @ _about(straight, yaw) @ closing
            approach = turned[:, 2]
            touch = pose(button.translation() - FINGERTIP_M * approach, turned)
            ready = shifted(touch, -STANDOFF_M * approach)
            start, joints = context.mover.hand(), context.joints()
            if context.transit.solve(touch, seed_rad=joints) is None:
                continue
            way = context.transit.over(start, ready, seed_rad=joints, load=None)
            if way is not None:
                last, seed = [Straight(ready, touch)], way.joints_rad
                walked = context.transit.walk(last, seed_rad=seed, load=None, ignore=(name,))
                paths = [*way.paths, *last]
                if walked is not None and context.mover.can_follow(paths, pace=TRAVEL):
                    return ready, touch
            blocked = True
        kind = FailureKind.BLOCKED if blocked else FailureKind.UNREACHABLE
        raise SkillFailure(kind, "the hand cannot get to the button")


def _is_down(context: SkillContext, joint: str) -> bool:
    return joint_share(context.world.physics, joint) > max(PRESSED_FRACTION, PRESSED_SHARE)


def _about(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) rotation about a unit axis."""
    return np.asarray(mink.SO3.exp(axis * angle).as_matrix())
