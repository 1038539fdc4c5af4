"""Pour from a vessel into another, and water a plant."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import mink
import numpy as np

from regard.world.effects import poured
from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.transit import Load
from regard.world.objects.contract import Affordance
from regard.world.skills.context import SkillContext
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.grasps import Grasp
from regard.world.skills.picking import check_can_pick, pick_first
from regard.world.skills.placing import place, poses_on, release_for
from regard.world.skills.pouring import CHECKED_TILTS_RAD, pour_out, pour_place
from regard.world.table import TABLE_TOP_Z_M

RECEIVED = 0.7
STEEP = 0.9
SPILLED = 0.1
NEIGHBOUR_OFFSETS_M = (0.0, 0.04, -0.04)


@dataclass(frozen=True, kw_only=True)
class PourArguments(Arguments):
    """What is poured out, and into what."""

    source: str = field(metadata={"help": "name of the vessel to pour from"})
    receiver: str = field(metadata={"help": "name of what receives it"})


class Pour(Skill):
    """Pours what a vessel holds into another."""

    name = "pour"
    summary = "Pour what a vessel holds into another"
    arguments = PourArguments
    gives = Affordance.POUR
    takes = Affordance.RECEIVE

    def __init__(self) -> None:
        """Has taken nothing up yet."""
        self._stood: dict[str, mink.SE3] = {}

    def check(self, context: SkillContext, arguments: PourArguments) -> None:
        """The vessel pours and is not empty, the receiver receives, the hand is free for it."""
        source = context.world.instance(arguments.source)
        receiver = context.world.instance(arguments.receiver)
        if arguments.source == arguments.receiver:
            raise SkillFailure(
                FailureKind.IMPOSSIBLE, f"the {source.label} cannot be poured into itself"
            )
        if not source.spec.affords(self.gives):
            raise SkillFailure(
                FailureKind.IMPOSSIBLE, f"nothing can be poured from the {source.label} so"
            )
        if not receiver.spec.affords(self.takes):
            raise SkillFailure(
                FailureKind.IMPOSSIBLE, f"the {receiver.label} is not there to be poured into so"
            )
        if poured(context.world.physics, source, arguments.receiver).kept == 0:
            raise SkillFailure(FailureKind.IMPOSSIBLE, f"the {source.label} is empty")
        if context.world.holding() != arguments.source:
            check_can_pick(context, arguments.source)

    def act(self, context: SkillContext, arguments: PourArguments) -> None:
        """Picks the vessel up, pours, and puts it back."""
        source = arguments.source
        is_held = context.world.holding() == source
        if not is_held or source not in self._stood:
            self._stood[source] = context.perception.look(source)
        if not is_held:
            self._pick(context, arguments)
        context.look_around()
        load = context.load()
        spot = None
        if load is not None:
            spot = pour_place(context, load, arguments.receiver, seed_rad=context.joints())
        if spot is None:
            label = context.world.instance(source).label
            raise SkillFailure(
                FailureKind.UNREACHABLE, f"the {label} cannot be tilted over the receiver"
            )
        pour_out(context, spot, arguments.receiver, name=source)
        self._put_back(context, source, self._stood[source])

    def _pick(self, context: SkillContext, arguments: PourArguments) -> None:
        """Takes it so that it can be tilted far, else so that it can be tilted enough."""
        pick_first(
            context,
            arguments.source,
            prefer=_from_the_side,
            wishes=[
                partial(self._suits, context, arguments, tilts_rad=tilts_rad)
                for tilts_rad in (CHECKED_TILTS_RAD[:1], CHECKED_TILTS_RAD)
            ],
        )

    def _suits(
        self,
        context: SkillContext,
        arguments: PourArguments,
        grasp: Grasp,
        *,
        tilts_rad: tuple[float, ...],
    ) -> bool:
        load = Load(name=arguments.source, in_hand=grasp.hand_in_object.inverse())
        place = pour_place(
            context, load, arguments.receiver, seed_rad=context.joints(), tilts_rad=tilts_rad
        )
        return place is not None

    def is_done(self, context: SkillContext, arguments: PourArguments) -> bool:
        """At least 70 % of the beads are in the receiver, at most 10 % beside it."""
        source = context.world.instance(arguments.source)
        now = poured(context.world.physics, source, arguments.receiver)
        return now.received >= RECEIVED and now.spilled <= SPILLED

    def words(self, context: SkillContext, arguments: PourArguments) -> str:
        """What was poured."""
        one, other = (context.world.instance(n) for n in (arguments.source, arguments.receiver))
        return f"the {one.label} is poured out into the {other.label}"

    def _put_back(self, context: SkillContext, source: str, stood: mink.SE3) -> None:
        """Where it stood, or beside."""
        context.look_around()
        load = context.load()
        if load is None:
            raise SkillFailure(FailureKind.DROPPED, "the vessel slipped while pouring")
        instance = context.world.instance(source)
        for along in NEIGHBOUR_OFFSETS_M:
            for across in NEIGHBOUR_OFFSETS_M:
                spot = stood.translation() + np.array([along, across, 0])
                spot[2] = TABLE_TOP_Z_M
                poses = poses_on(context, instance, spot_m=spot, present=stood)
                release = release_for(
                    context, load, poses, seed_rad=context.joints(), touching=("table",)
                )
                if release is not None:
                    place(context, release)
                    return
        raise SkillFailure(
            FailureKind.UNREACHABLE, f"there is no free place to put the {instance.label} back"
        )


def _from_the_side(grasp: Grasp) -> float:
    """A hand beside the vessel can tilt it; one above it would have to go under."""
    down = -float(grasp.hand_in_object.rotation().as_matrix()[2, 2])
    return (2.0 if grasp.part == "rim" else 0.0) + (1.0 if down > STEEP else 0.0)


class Water(Pour):
    """Waters a plant."""

    name = "water"
    summary = "Water a plant with a watering can"
    gives = Affordance.WATER
    takes = Affordance.GROW
