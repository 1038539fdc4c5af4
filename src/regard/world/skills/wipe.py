"""Wipe a marked patch of the table."""

from __future__ import annotations

from dataclasses import dataclass, field

import mink
import numpy as np

from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import Straight, shifted
from regard.world.motion.transit import Load, Way
from regard.world.objects.contract import Affordance
from regard.world.skills.context import APPROACH, CARRY, GENTLE, SkillContext
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.grasps import FINGERTIP_M
from regard.world.skills.picking import check_can_pick, pick
from regard.world.skills.placing import place, poses_on, release_for, require_held
from regard.world.skills.wiping import CELL_M, WIPED_SHARE, WipeRecord
from regard.world.table import TABLE_TOP_Z_M

HOVER_M = 0.06
PRESS_N = 6.0
SINK_M_PER_N = 0.00003
MAX_SINK_M = 0.012
TOUCH_N = 1.5
ROW_STEP_S = 0.02
STROKE_M_S = 0.10
YAWS_RAD = (0.0, 0.8, -0.8, 1.6, -1.6)


@dataclass(frozen=True, kw_only=True)
class WipeArguments(Arguments):
    """What wipes what."""

    tool: str = field(metadata={"help": "name of the sponge or towel"})
    spot: str = field(metadata={"help": "name of the marked patch of the table"})


class Wipe(Skill):
    """Wipes a marked patch of the table, row by row, with a held force."""

    name = "wipe"
    summary = "Wipe a marked patch of the table with a sponge"
    arguments = WipeArguments

    def __init__(self) -> None:
        """Has wiped nothing yet."""
        self._record: WipeRecord | None = None

    def check(self, context: SkillContext, arguments: WipeArguments) -> None:
        """The tool wipes, and the patch is there."""
        tool = context.world.instance(arguments.tool)
        if not tool.spec.affords(Affordance.WIPE):
            raise SkillFailure(FailureKind.IMPOSSIBLE, f"the {tool.label} does not wipe")
        if not context.world.physics.has("site", arguments.spot):
            raise SkillFailure(FailureKind.MISSING, f"there is no patch {arguments.spot!r}")
        if context.world.holding() != arguments.tool:
            check_can_pick(context, arguments.tool)

    def act(self, context: SkillContext, arguments: WipeArguments) -> None:
        """Takes the tool, wipes row by row, and puts it back."""
        world = context.world
        stood = context.perception.look(arguments.tool)
        self._record = WipeRecord(
            world.physics, world.contacts, spot=arguments.spot, tool=arguments.tool
        )
        if world.holding() != arguments.tool:
            pick(context, arguments.tool, suits=lambda grasp: True)
        context.look_around()
        rows = _rows(context, arguments)
        self._wipe(context, arguments, rows)
        _put_back(context, arguments.tool, stood)

    def is_done(self, context: SkillContext, arguments: WipeArguments) -> bool:
        """At least 80 % of the cells were under the tool with 1 to 15 N."""
        return self._record is not None and self._record.share >= WIPED_SHARE

    def words(self, context: SkillContext, arguments: WipeArguments) -> str:
        """What was wiped."""
        return f"the {arguments.spot} is wiped"

    def _wipe(
        self, context: SkillContext, arguments: WipeArguments, rows: list[np.ndarray]
    ) -> None:
        load = context.load()
        if load is None:
            raise SkillFailure(FailureKind.DROPPED, "the tool slipped out of the fingers")
        reach = load.in_hand.translation()[2]
        height = TABLE_TOP_Z_M + max(reach, FINGERTIP_M + 0.003)
        start, way, rows = _way_to(context, load, rows, height_m=height + HOVER_M)
        rotation = start.rotation()
        context.follow(way.paths, pace=CARRY)
        require_held(context, arguments.tool)
        record = self._record
        assert record is not None
        down = shifted(start, np.array([0, 0, -HOVER_M - MAX_SINK_M]))
        context.mover.follow(
            Straight(start, down), pace=GENTLE, until=lambda: _touches(context, record)
        )
        context.report(0.5, "wiping")
        sink = 0.0
        here = context.mover.hand()
        level = here.translation()[2]
        for goal in rows[1:]:
            end_xy = np.asarray(goal)
            begin_xy = here.translation()[:2]
            count = max(
                1, round(float(np.linalg.norm(end_xy - begin_xy)) / (STROKE_M_S * ROW_STEP_S))
            )
            for index in range(1, count + 1):
                record.look()
                # Fingertips that reach the table bear what the tool does not: both count.
                force = record.force_n + context.world.contacts.force_n(("arm/",), ("table",))
                sink += SINK_M_PER_N * float(np.clip(PRESS_N - force, -6, 6))
                sink = float(np.clip(sink, -MAX_SINK_M, MAX_SINK_M))
                at = begin_xy + (end_xy - begin_xy) * index / count
                target = mink.SE3.from_rotation_and_translation(
                    rotation, np.array([*at, level - sink])
                )
                context.mover.nudge(target)
            here = target
        context.mover.rest()
        context.shift(np.array([0, 0, HOVER_M]), pace=APPROACH)
        require_held(context, arguments.tool)


def _way_to(
    context: SkillContext, load: Load, rows: list[np.ndarray], *, height_m: float
) -> tuple[mink.SE3, Way, list[np.ndarray]]:
    """A free way to one end of the rows: the hand there, the way, and the rows from there on."""
    hand = context.mover.hand()
    for ordered in (rows, rows[::-1]):
        corner = np.array([*ordered[0], height_m])
        for yaw in YAWS_RAD:
            turned = mink.SO3.from_z_radians(yaw) @ hand.rotation()
            start = mink.SE3.from_rotation_and_translation(turned, corner)
            way = context.transit.over(hand, start, seed_rad=context.joints(), load=load)
            if way is not None:
                return start, way, ordered
    raise SkillFailure(FailureKind.BLOCKED, "there is no free way to the patch")


def _touches(context: SkillContext, record: WipeRecord) -> bool:
    """Whether the tool, or a fingertip before it, is on the table."""
    record.look()
    fingers = context.world.contacts.force_n(("arm/",), ("table",))
    return record.force_n + fingers > TOUCH_N


def _rows(context: SkillContext, arguments: WipeArguments) -> list[np.ndarray]:
    """Corner points (2,) of a serpentine over the patch, along its longer side."""
    spot = context.world.physics.site_pose(arguments.spot)
    half = context.world.physics.site_size(arguments.spot)[:2]
    long_axis = int(np.argmax(half))
    short = half[1 - long_axis]
    offsets = np.arange(-short + CELL_M / 2, short, CELL_M * 1.5)
    points = []
    for index, across in enumerate([*offsets, short - CELL_M / 2]):
        ends = (-half[long_axis], half[long_axis])
        for along in ends if index % 2 == 0 else ends[::-1]:
            local = np.zeros(3)
            local[long_axis], local[1 - long_axis] = along, across
            points.append((spot.position_m + spot.rotation @ local)[:2])
    return points


def _put_back(context: SkillContext, tool: str, stood: mink.SE3) -> None:
    context.look_around()
    load = context.load()
    if load is None:
        raise SkillFailure(FailureKind.DROPPED, "the tool slipped out of the fingers")
    spot = stood.translation().copy()
    spot[2] = TABLE_TOP_Z_M
    instance = context.world.instance(tool)
    poses = poses_on(context, instance, spot_m=spot, present=stood)
    release = release_for(context, load, poses, seed_rad=context.joints(), touching=("table",))
    if release is None:
        raise SkillFailure(
            FailureKind.UNREACHABLE, f"there is no free place to put the {instance.label} back"
        )
    place(context, release)
