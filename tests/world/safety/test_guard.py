"""The guard."""

import numpy as np
import pytest

from regard.world.arm.simulated import JOINTS
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


def test_a_joint_that_is_held_does_not_make_the_hand_too_fast(make_world, monkeypatch) -> None:
    world = make_world()
    monkeypatch.setattr(world.guard, "person_distance_m", lambda: 0.2)
    # Shoulder and elbow carry the hand in opposite directions.
    velocity = np.array([0.0, 1.0, -1.0, 0.0, 0.0, 0.0])
    parts = [world.guard.hand_speed_m_s(velocity * np.eye(6)[joint]) for joint in (1, 2)]
    assert min(parts) > 0.25
    slowed = world.guard.govern(velocity)
    for joint in (1, 2):
        assert world.guard.hand_speed_m_s(slowed * np.eye(6)[joint]) <= 0.25 + 1e-9
    assert np.allclose(slowed, velocity * slowed[1])


def test_a_hand_that_slipped_is_braked_near_the_person_only(make_world, monkeypatch) -> None:
    world = make_world()
    velocity = np.full(6, 0.01)
    world.physics.data.qvel[world.physics.dof_addresses(JOINTS)[0]] = 1.0
    monkeypatch.setattr(world.guard, "person_distance_m", lambda: 1.0)
    assert world.guard.govern(velocity) is velocity
    monkeypatch.setattr(world.guard, "person_distance_m", lambda: 0.2)
    assert not world.guard.govern(velocity).any()


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
