"""The guard."""

import numpy as np
import pytest

from regard.world.failures import FailureKind, SkillFailure


def test_far_from_the_person_nothing_is_slowed(make_world, monkeypatch) -> None:
    world = make_world()
    monkeypatch.setattr(world.guard, "person_distance_m", lambda: 1.0)
    velocity = np.full(6, 0.5)
    assert world.guard.govern(velocity) is velocity


def test_near_the_person_the_hand_is_slowed_below_the_limit(make_world, monkeypatch) -> None:
    world = make_world()
    monkeypatch.setattr(world.guard, "person_distance_m", lambda: 0.2)
    velocity = np.full(6, 1.0)
    slowed = world.guard.govern(velocity)
    assert world.guard.hand_speed_m_s(slowed) <= 0.25
    assert np.allclose(slowed / slowed[0], velocity)


def test_a_force_on_the_person_is_reported(make_world, monkeypatch) -> None:
    world = make_world()

    def force(first: tuple[str, ...], second: tuple[str, ...]) -> float:
        return 16.0 if second == ("person_",) else 0.0

    monkeypatch.setattr(world.contacts, "force_n", force)
    with pytest.raises(SkillFailure, match="more than 15 N") as caught:
        world.guard.check()
    assert caught.value.kind is FailureKind.FORCE
    assert world.guard.person_force_n == 16.0


def test_pressing_on_the_table_is_reported(make_world, monkeypatch) -> None:
    world = make_world()

    def force(first: tuple[str, ...], second: tuple[str, ...]) -> float:
        return 31.0 if second == ("table",) else 0.0

    monkeypatch.setattr(world.contacts, "force_n", force)
    with pytest.raises(SkillFailure, match="table"):
        world.guard.check()
