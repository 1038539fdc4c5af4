"""Runs a skill: preconditions, action, effect, and an arm that is safe whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from regard.world.failures import FailureKind, SkillFailure
from regard.world.safety.upright import turn_upright
from regard.world.skills.context import SkillContext
from regard.world.skills.contract import Outcome, Skill

NEVER_RIGHTED = (FailureKind.NOT_FINITE, FailureKind.STOPPED)


def run_skill(skill: Skill, context: SkillContext, values: Mapping[str, Any]) -> Outcome:
    """Runs one skill to its end; a failure is an outcome, never an exception.

    Args:
        skill: What is to be done.
        context: What it works with.
        values: Its arguments by name.
    """
    context.clear_cancel()
    try:
        arguments = skill.arguments.parse(values)
        context.report(0.0, skill.summary)
        skill.check(context, arguments)
        skill.act(context, arguments)
        if not skill.is_done(context, arguments):
            raise SkillFailure(
                FailureKind.NOT_DONE, f"all motions of {skill.name} were made, without the effect"
            )
        words = skill.words(context, arguments)
        context.report(1.0, words)
        return Outcome(is_done=True, words=words)
    except SkillFailure as failure:
        _make_safe(context, failure)
        return Outcome(is_done=False, words=failure.words, failure=failure.kind)


def _make_safe(context: SkillContext, failure: SkillFailure) -> None:
    """At rest, the gripper as it is, a vessel upright; for stops, the watchdog sees to it."""
    arm = context.world.arm
    arm.command_velocity(np.zeros(len(arm.limits.velocity_rad_s)))
    if failure.kind in NEVER_RIGHTED:
        return
    context.clear_cancel()
    turn_upright(context.world, advance=context.clock.advance)
