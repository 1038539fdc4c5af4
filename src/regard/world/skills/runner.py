"""Runs a skill: preconditions, action, effect, and an arm that is safe whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regard.world.failures import FailureKind, SkillFailure
from regard.world.safety.upright import turn_upright
from regard.world.skills.context import SkillContext
from regard.world.skills.contract import Arguments, Outcome, Skill

NEVER_RIGHTED = (FailureKind.NOT_FINITE, FailureKind.STOPPED)


RETRIED = (
    FailureKind.UNREACHABLE,
    FailureKind.BLOCKED,
    FailureKind.GRASP_FAILED,
    FailureKind.DROPPED,
    FailureKind.NOT_DONE,
)
"""After these the same is tried once more, from where things are now."""


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
        try:
            _act(skill, context, arguments)
        except SkillFailure as failure:
            if failure.kind not in RETRIED or not _can_repeat(skill, context, arguments):
                raise
            _rest_upright(context)
            _act(skill, context, arguments)
        words = skill.words(context, arguments)
        context.report(1.0, words)
        return Outcome(is_done=True, words=words)
    except SkillFailure as failure:
        _make_safe(context, failure)
        return Outcome(is_done=False, words=failure.words, failure=failure.kind)


def _act(skill: Skill, context: SkillContext, arguments: Arguments) -> None:
    skill.act(context, arguments)
    if not skill.is_done(context, arguments):
        raise SkillFailure(
            FailureKind.NOT_DONE, f"all motions of {skill.name} were made, without the effect"
        )


def _can_repeat(skill: Skill, context: SkillContext, arguments: Arguments) -> bool:
    """Whether the effect is missing, and the preconditions still hold."""
    if not skill.is_repeatable or skill.is_done(context, arguments):
        return False
    try:
        skill.check(context, arguments)
    except SkillFailure:
        return False
    return True


def _make_safe(context: SkillContext, failure: SkillFailure) -> None:
    """At rest, the gripper as it is, a vessel upright; for stops, the watchdog sees to it."""
    if failure.kind in NEVER_RIGHTED:
        context.mover.rest()
        return
    context.clear_cancel()
    _rest_upright(context)


def _rest_upright(context: SkillContext) -> None:
    context.mover.rest()
    turn_upright(context.world, advance=context.clock.advance)
