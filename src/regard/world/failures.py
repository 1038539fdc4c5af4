"""Why a skill did not end as it should: one type each, in words for the person."""

from __future__ import annotations

from enum import StrEnum

from regard.common.errors import UserError


class FailureKind(StrEnum):
    """What went wrong."""

    UNREACHABLE = "unreachable"
    """The arm cannot get the hand there."""
    BLOCKED = "blocked"
    """Something is in the way."""
    MISSING = "missing"
    """There is no such object, or it is no longer on the table."""
    HAND_FULL = "hand_full"
    """The hand holds something and must be empty."""
    HAND_EMPTY = "hand_empty"
    """The hand holds nothing, or something else than it should."""
    SHUT = "shut"
    """What must be open is shut."""
    IMPOSSIBLE = "impossible"
    """The object cannot be used so."""
    GRASP_FAILED = "grasp_failed"
    """The fingers closed, and did not hold it."""
    DROPPED = "dropped"
    """It was held and slipped."""
    NOT_DONE = "not_done"
    """All motions were made, and the effect is not there."""
    FORCE = "force"
    """A force grew over its limit."""
    STOPPED = "stopped"
    """A stop is in force."""
    CANCELLED = "cancelled"
    """The person or the planner cancelled."""
    NOT_FINITE = "not_finite"
    """The simulated state is no longer a number."""


class SkillFailure(UserError):
    """A skill that did not end as it should; the arm is at rest and holds what it held."""

    def __init__(self, kind: FailureKind, words: str) -> None:
        """Keeps the kind beside the words.

        Args:
            kind: What went wrong.
            words: The same for the person, one sentence.
        """
        super().__init__(words)
        self.kind = kind
        self.words = words
