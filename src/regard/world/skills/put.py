"""Put one object into or on another, and tidy it away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import mink
import numpy as np

from regard.world.effects import (
    is_inside,
    is_over_top,
    joint_share,
    opening_joint,
    rests,
)
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.transit import Load
from regard.world.objects.contract import OPENED_FRACTION, Affordance
from regard.world.skills.context import SkillContext
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.grasps import Grasp
from regard.world.skills.picking import check_can_pick, pick_first
from regard.world.skills.placing import (
    Release,
    place,
    poses_in,
    poses_on,
    release_for,
)

SETTLE_S = 0.5
OFFSETS = ((0.0, 0.0), (0.4, 0.0), (-0.4, 0.0), (0.0, 0.4), (0.0, -0.4))
"""Spots on a top, as shares of its radius, the middle first."""


@dataclass(frozen=True, kw_only=True)
class PutArguments(Arguments):
    """What goes where."""

    object: str = field(metadata={"help": "name of the object to be put somewhere"})
    receiver: str = field(metadata={"help": "name of what it is put into or on"})


class _Put(Skill):
    """What putting in and putting on have in common."""

    arguments = PutArguments

    def check(self, context: SkillContext, arguments: PutArguments) -> None:
        """The hand is empty or holds the object, and the receiver takes things."""
        receiver = context.world.instance(arguments.receiver)
        label = context.world.instance(arguments.object).label
        if arguments.object == arguments.receiver:
            raise SkillFailure(
                FailureKind.IMPOSSIBLE, f"the {label} cannot be put into or on itself"
            )
        if not any(receiver.spec.affords(each) for each in self._affordances()):
            raise SkillFailure(
                FailureKind.IMPOSSIBLE,
                f"nothing can be put {self._preposition()} the {receiver.label}",
            )
        self._check_receiver(context, arguments.receiver)
        if context.world.holding() != arguments.object:
            check_can_pick(context, arguments.object)

    def act(self, context: SkillContext, arguments: PutArguments) -> None:
        """Picks it up where it is not held yet, and lets go of it at the receiver."""
        if context.world.holding() != arguments.object:
            self._pick(context, arguments)
        context.report(0.5, f"carrying it {self._preposition()} the {arguments.receiver}")
        context.look_around()
        load = context.load()
        release = None
        for touching in _touched(arguments):
            if load is not None and release is None:
                release = self._release(context, arguments, load, touching=touching)
        if release is None:
            label = context.world.instance(arguments.receiver).label
            raise SkillFailure(
                FailureKind.UNREACHABLE, f"the hand cannot let go {self._preposition()} the {label}"
            )
        place(context, release)
        context.mover.wait(SETTLE_S)

    def _pick(self, context: SkillContext, arguments: PutArguments) -> None:
        """Takes it so that it can be let go without touching the receiver, else anyhow."""
        pick_first(
            context,
            arguments.object,
            wishes=[
                partial(self._suits, context, arguments, touching=touching)
                for touching in _touched(arguments)
            ],
        )

    def _suits(
        self,
        context: SkillContext,
        arguments: PutArguments,
        grasp: Grasp,
        *,
        touching: tuple[str, ...],
    ) -> bool:
        load = Load(name=arguments.object, in_hand=grasp.hand_in_object.inverse())
        return self._release(context, arguments, load, touching=touching) is not None

    def _release(
        self,
        context: SkillContext,
        arguments: PutArguments,
        load: Load,
        *,
        touching: tuple[str, ...],
    ) -> Release | None:
        present = (
            context.mover.hand() @ load.in_hand
            if context.world.holding()
            else context.perception.look(arguments.object)
        )
        return release_for(
            context,
            load,
            self._poses(context, arguments, present),
            seed_rad=context.joints(),
            touching=touching,
        )

    def _check_receiver(self, context: SkillContext, receiver: str) -> None:
        """Where the receiver has a drawer or lid, it must be open."""

    def _affordances(self) -> tuple[Affordance, ...]:
        raise NotImplementedError

    def _preposition(self) -> str:
        raise NotImplementedError

    def _poses(
        self, context: SkillContext, arguments: PutArguments, present: mink.SE3
    ) -> Iterable[mink.SE3]:
        raise NotImplementedError


def _touched(arguments: PutArguments) -> tuple[tuple[str, ...], ...]:
    """What may be touched when it is let go: nothing, which tips no light receiver, or that."""
    return (), (arguments.receiver,)


class PutIn(_Put):
    """Puts an object into a container."""

    name = "put_in"
    summary = "Put an object into a container"

    def is_done(self, context: SkillContext, arguments: PutArguments) -> bool:
        """It is in the container and touches it, the hand is empty, and it hardly moves."""
        world = context.world
        return (
            is_inside(world.physics, arguments.object, arguments.receiver)
            and rests(world.physics, world.contacts, arguments.object, on=arguments.receiver)
            and not world.is_between_fingers(arguments.object)
        )

    def words(self, context: SkillContext, arguments: PutArguments) -> str:
        """What is where now."""
        one, other = (
            context.world.instance(name) for name in (arguments.object, arguments.receiver)
        )
        return f"the {one.label} is in the {other.label}"

    def _check_receiver(self, context: SkillContext, receiver: str) -> None:
        joint = opening_joint(context.world.physics, receiver)
        if joint is not None and joint_share(context.world.physics, joint) < OPENED_FRACTION:
            label = context.world.instance(receiver).label
            raise SkillFailure(FailureKind.SHUT, f"the {label} is shut; open it first")

    def _affordances(self) -> tuple[Affordance, ...]:
        return (Affordance.CONTAIN, Affordance.DISPOSE)

    def _preposition(self) -> str:
        return "into"

    def _poses(
        self, context: SkillContext, arguments: PutArguments, present: mink.SE3
    ) -> Iterable[mink.SE3]:
        instance = context.world.instance(arguments.object)
        return poses_in(context, instance, arguments.receiver, present=present)


class Tidy(PutIn):
    """Puts an object into the bin."""

    name = "tidy"
    summary = "Throw an object into a bin"

    def _affordances(self) -> tuple[Affordance, ...]:
        return (Affordance.DISPOSE,)


class PutOn(_Put):
    """Puts an object on a surface of another."""

    name = "put_on"
    summary = "Put an object on a plate, tray or other flat thing"

    def is_done(self, context: SkillContext, arguments: PutArguments) -> bool:
        """It stands over the top and touches the receiver, the hand is empty, it hardly moves."""
        world = context.world
        return (
            is_over_top(world.physics, arguments.object, arguments.receiver)
            and rests(world.physics, world.contacts, arguments.object, on=arguments.receiver)
            and not world.is_between_fingers(arguments.object)
        )

    def words(self, context: SkillContext, arguments: PutArguments) -> str:
        """What is where now."""
        one, other = (
            context.world.instance(name) for name in (arguments.object, arguments.receiver)
        )
        return f"the {one.label} is on the {other.label}"

    def _affordances(self) -> tuple[Affordance, ...]:
        return (Affordance.SUPPORT,)

    def _preposition(self) -> str:
        return "onto"

    def _poses(
        self, context: SkillContext, arguments: PutArguments, present: mink.SE3
    ) -> Iterable[mink.SE3]:
        instance = context.world.instance(arguments.object)
        top = context.perception.element_now(arguments.receiver, "top")
        radius = float(context.world.physics.site_size(f"{arguments.receiver}/top")[0])
        foot = instance.spec.footprint_m
        for along, across in OFFSETS:
            spot = top.translation() + radius * np.array([along, across, 0])
            for each in poses_on(context, instance, spot_m=spot, present=present):
                middle = np.array([foot.x_min + foot.x_max, foot.y_min + foot.y_max, 0]) / 2
                centred = each.translation() - each.rotation().apply(middle)
                yield mink.SE3.from_rotation_and_translation(each.rotation(), centred)
