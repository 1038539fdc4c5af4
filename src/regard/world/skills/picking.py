"""Takes an object from the table into the hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mink
import numpy as np

from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Path, Straight, shifted
from regard.world.objects.contract import Affordance
from regard.world.skills.context import (
    APPROACH,
    CARRY,
    GENTLE,
    GRIP_S,
    OPEN,
    RELEASE_S,
    SHUT,
    TRAVEL,
    SkillContext,
)
from regard.world.skills.grasps import Grasp, candidates
from regard.world.table import TABLE_TOP_Z_M

STANDOFF_M = 0.10
LIFT_M = 0.12
FIRST_LIFT_M = 0.03
NUM_ATTEMPTS = 2
MAX_ASKED = 10
"""So many ways to hold it are asked whether they serve what comes after: each takes a search."""
OPEN_ENOUGH = 0.03
LESS_OPEN = (0.28, 0.45)
"""Where neighbours leave no room for wide open fingers: 61 or 47 mm between the pads."""
FIT_M = 0.006
"""Half-open fingers keep so much off the object on either side: two errors of a look."""

Suits = Callable[[Grasp], bool]
"""Whether a grasp also serves what comes after."""


Preference = Callable[[Grasp], float]
"""Cost of a grasp; less is better."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A grasp with the way to it."""

    grasp: Grasp
    """What is taken, and how."""

    ways: list[Path]
    """Over everything to the stand-off."""

    last: Straight
    """From the stand-off to the grasp."""


def pick(
    context: SkillContext, name: str, *, suits: Suits, prefer: Preference = lambda grasp: 0.0
) -> Grasp:
    """Takes an object; a grasp that fails is tried once more, from a new look.

    Args:
        context: What the skill works with.
        name: The object.
        suits: Whether a grasp also serves what comes after.
        prefer: Cost of a grasp beside that of reaching it; the cheapest is tried first.

    Returns:
        The grasp; the object is in the hand, lifted.

    Raises:
        SkillFailure: The hand is full, the object missing, out of reach, blocked or slipped.
    """
    check_can_pick(context, name)
    open_hand(context)
    for attempt in range(NUM_ATTEMPTS):
        plan = _plan(context, name, suits=suits, prefer=prefer)
        context.report(0.1, f"reaching for the {context.world.instance(name).label}")
        if _try(context, name, plan):
            return plan.grasp
        if attempt + 1 < NUM_ATTEMPTS:
            context.report(0.1, "it slipped; trying once more")
            _let_go(context)
    _let_go(context)
    label = context.world.instance(name).label
    raise SkillFailure(FailureKind.GRASP_FAILED, f"the {label} slipped out of the fingers twice")


def pick_first(
    context: SkillContext,
    name: str,
    *,
    wishes: Sequence[Suits],
    prefer: Preference = lambda grasp: 0.0,
) -> Grasp:
    """`pick` by the first of several wishes that any way of holding the object serves.

    Args:
        context: What the skill works with.
        name: The object.
        wishes: What a grasp should serve, the strictest first; at least one.
        prefer: As of `pick`.

    Raises:
        SkillFailure: As `pick` by the last wish; with the object in the hand, or for another reason
            than that no way serves, at once.
    """
    *strict, last = wishes
    for suits in strict:
        try:
            return pick(context, name, suits=suits, prefer=prefer)
        except SkillFailure as failure:
            if failure.kind is not FailureKind.UNREACHABLE or context.world.holding() is not None:
                raise
    return pick(context, name, suits=last, prefer=prefer)


def check_can_pick(context: SkillContext, name: str) -> None:
    """Preconditions of taking an object.

    Raises:
        SkillFailure: The hand is full, or the object missing, fixed, or fallen from the table.
    """
    instance = context.world.instance(name)
    held = context.world.holding()
    if held is not None:
        label = context.world.instance(held).label
        raise SkillFailure(FailureKind.HAND_FULL, f"the hand already holds the {label}")
    if not instance.spec.affords(Affordance.GRASP):
        raise SkillFailure(FailureKind.IMPOSSIBLE, f"the {instance.label} cannot be picked up")
    if context.world.physics.body_pose(instance.body).position_m[2] < TABLE_TOP_Z_M - 0.05:
        raise SkillFailure(FailureKind.MISSING, f"the {instance.label} is not on the table")


def open_hand(context: SkillContext) -> None:
    """Opens the fingers wide, if they are not."""
    if context.world.arm.state().gripper_closed > OPEN_ENOUGH:
        context.mover.grip(OPEN, seconds=RELEASE_S)


def _plan(context: SkillContext, name: str, *, suits: Suits, prefer: Preference) -> Plan:
    """A grasp with open fingers, or with half-open ones where what stands beside is in the way."""
    search = _Search(context, name, suits=suits, prefer=prefer)
    plan = search.plan(fit_m=None)
    for closed in LESS_OPEN:
        if plan is None and search.blocked:
            context.mover.grip(closed, seconds=RELEASE_S)
            plan = search.plan(fit_m=FIT_M)
    if plan is None:
        open_hand(context)
        raise search.failure()
    return plan


class _Search:
    """Looks for a way to take one object."""

    def __init__(
        self, context: SkillContext, name: str, *, suits: Suits, prefer: Preference
    ) -> None:
        self._context = context
        self._name = name
        self._suits = suits
        self._prefer = prefer
        self._is_reached = False
        self.blocked: set[str] = set()
        """What was in the way so far."""

    def plan(self, *, fit_m: float | None) -> Plan | None:
        """The cheapest grasp that serves, from a new look, with the fingers as they are now.

        Args:
            fit_m: Room that the pads must have on either side of the object; None: no question.
        """
        context, name = self._context, self._name
        place = context.look_around()[name]
        instance = context.world.instance(name)
        every = candidates(context.world.physics, context.perception, instance=instance)
        every = [grasp.above_ground(place) for grasp in every]
        every.sort(key=lambda grasp: self._prefer(grasp) + _cost(context, grasp, place))
        num_asked = 0
        for grasp in every:
            if num_asked == MAX_ASKED:
                break
            found = _reach(context, grasp, place, name, fit_m=fit_m)
            if isinstance(found, Plan):
                paths = [*found.ways, found.last]
                if self._suits(grasp) and context.mover.can_follow(paths, pace=TRAVEL):
                    return found
                self._is_reached = True
                num_asked += 1
            else:
                self.blocked |= found
        return None

    def failure(self) -> SkillFailure:
        """Why there is no plan."""
        label = self._context.world.instance(self._name).label
        if self._is_reached:
            return SkillFailure(
                FailureKind.UNREACHABLE, f"no way to hold the {label} serves what is asked"
            )
        if self.blocked:
            words = ", ".join(sorted(self.blocked))
            return SkillFailure(FailureKind.BLOCKED, f"the {label} is blocked by: {words}")
        return SkillFailure(FailureKind.UNREACHABLE, f"the {label} is out of reach")


def _cost(context: SkillContext, grasp: Grasp, place: mink.SE3) -> float:
    """Straight down is best, then little turning of the wrist."""
    hand = grasp.hand(place)
    down = 1 + float(hand.rotation().as_matrix()[2, 2])
    turn = context.mover.hand().rotation().inverse() @ hand.rotation()
    return down + 0.3 * float(np.linalg.norm(turn.log()))


def _reach(
    context: SkillContext, grasp: Grasp, place: mink.SE3, name: str, *, fit_m: float | None
) -> Plan | set[str]:
    """The way to a grasp, or what is in the way (nothing: out of reach, or too wide)."""
    end = grasp.hand(place)
    ready = shifted(end, -STANDOFF_M * grasp.approach(place))
    at_end = context.transit.solve(end, seed_rad=context.joints())
    if at_end is None:
        return set()
    touched = context.world.clearance.touched(at_end, ignore=(name,))
    if touched:
        return touched
    if fit_m is not None and context.world.clearance.room_m(name) < fit_m:
        return set()
    last = Straight(ready, end)
    start = context.mover.hand()
    ways = context.transit.over(start, ready, seed_rad=context.joints(), load=None)
    if ways is None:
        return set()
    if context.transit.walk([last], seed_rad=ways.joints_rad, load=None, ignore=(name,)) is None:
        return {"what stands beside it"}
    return Plan(grasp=grasp, ways=ways.paths, last=last)


def _try(context: SkillContext, name: str, plan: Plan) -> bool:
    context.follow(plan.ways, pace=TRAVEL)
    context.mover.follow(plan.last, pace=APPROACH)
    context.mover.grip(SHUT, seconds=GRIP_S)
    if not context.world.is_between_fingers(name):
        return False
    context.shift(np.array([0, 0, FIRST_LIFT_M]), pace=GENTLE)
    context.withdraw(np.array([0, 0, LIFT_M - FIRST_LIFT_M]), pace=CARRY)
    return context.world.is_between_fingers(name)


def _let_go(context: SkillContext) -> None:
    context.mover.grip(OPEN, seconds=RELEASE_S)
    hand = context.mover.hand()
    approach = np.asarray(hand.rotation().as_matrix()[:, 2])
    context.mover.follow(Straight(hand, shifted(hand, -STANDOFF_M * approach)), pace=APPROACH)
