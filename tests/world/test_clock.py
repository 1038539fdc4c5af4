"""Who lets time pass."""

import mujoco
import pytest

from regard.world.clock import LockstepClock, RealTimeClock
from regard.world.physics import Physics, PhysicsError


@pytest.fixture
def physics() -> Physics:
    return Physics(mujoco.MjModel.from_xml_string("<mujoco><worldbody/></mujoco>"))


def test_lockstep_passes_what_is_asked(physics: Physics) -> None:
    LockstepClock(physics).advance(0.1)
    assert physics.time_s == pytest.approx(0.1)


def test_real_time_passes_without_the_caller(physics: Physics) -> None:
    with RealTimeClock(physics) as clock:
        clock.advance(0.05)
    assert physics.time_s >= 0.05 - 1e-6


def test_an_error_of_the_thread_reaches_the_caller(physics: Physics) -> None:
    def fail() -> None:
        raise PhysicsError("broken")

    physics.observers.append(fail)
    with pytest.raises(PhysicsError, match="broken"), RealTimeClock(physics) as clock:
        clock.advance(0.1)
