"""The safety limits."""

from dataclasses import MISSING, fields, replace

import pytest

from regard.world.safety.limits import ASSISTIVE, SafetyLimitError, SafetyLimits


def test_no_limit_has_a_default_that_could_be_forgotten() -> None:
    assert all(field.default is MISSING for field in fields(SafetyLimits))
    assert all(field.kw_only for field in fields(SafetyLimits))


def test_the_limits_are_those_of_the_design() -> None:
    assert ASSISTIVE.near_person_speed_m_s <= 0.25
    assert ASSISTIVE.person_force_n <= 15
    assert ASSISTIVE.stop_within_s <= 0.1


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), None])
def test_what_is_no_positive_number_is_refused(bad: object) -> None:
    with pytest.raises(SafetyLimitError, match="person_force_n"):
        replace(ASSISTIVE, person_force_n=bad)  # type: ignore[arg-type]
