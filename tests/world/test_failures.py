"""Failures."""

from regard.common.errors import UserError
from regard.world.failures import FailureKind, SkillFailure


def test_a_failure_keeps_kind_and_words() -> None:
    failure = SkillFailure(FailureKind.DROPPED, "the mug slipped")
    assert (failure.kind, failure.words) == (FailureKind.DROPPED, "the mug slipped")
    assert isinstance(failure, UserError)
