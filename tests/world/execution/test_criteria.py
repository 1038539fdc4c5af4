"""Criteria, read from worlds in which things are put by hand."""

import mujoco
import numpy as np
import pytest

from regard.world.execution.criteria import criterion
from regard.world.person import HANDOVER_M


def put(world, name: str, position_m) -> None:
    address = world.physics.qpos_addresses((f"{name}/free",))[0]
    world.physics.data.qpos[address : address + 3] = position_m
    mujoco.mj_forward(world.physics.model, world.physics.data)


def test_an_object_at_the_hand_over_counts_only_in_the_fingers(make_world, monkeypatch) -> None:
    world = make_world("sponge")
    is_fetched = criterion(world, "fetch", {"object": "sponge_1"})
    put(world, "sponge_1", HANDOVER_M)
    assert not is_fetched()
    monkeypatch.setattr(world, "is_between_fingers", lambda name: True)
    assert is_fetched()
    put(world, "sponge_1", np.array(HANDOVER_M) + [0, 0.2, 0])
    assert not is_fetched()


def test_what_lies_in_a_bowl_is_in_it_once_it_rests_and_is_let_go(make_world, monkeypatch) -> None:
    world = make_world("sponge", "bowl")
    names = {"object": "sponge_1", "receiver": "bowl_1"}
    is_in = criterion(world, "put_in", names)
    assert not is_in()
    put(world, "sponge_1", world.physics.body_pose("bowl_1/body").position_m + [0, 0, 0.04])
    world.physics.step(700)
    assert is_in()
    monkeypatch.setattr(world, "is_between_fingers", lambda name: name == "sponge_1")
    assert not is_in()


def test_a_drawer_counts_as_open_beyond_seventy_percent(make_world) -> None:
    world = make_world("drawer_unit")
    is_open = criterion(world, "open", {"object": "drawer_unit_1"})
    joint = world.physics.data.joint("drawer_unit_1/slide")
    for share, expected in ((0.0, False), (0.65, False), (0.75, True)):
        joint.qpos[:] = share * 0.105
        assert is_open() is expected


def test_a_lamp_has_to_change(make_world, monkeypatch) -> None:
    world = make_world("lamp")
    is_pressed = criterion(world, "press", {"object": "lamp_1"})
    assert not is_pressed()
    monkeypatch.setattr(world, "is_on", lambda name: True)
    assert is_pressed()


def test_full_vessels_are_not_poured(make_world) -> None:
    world = make_world("kettle", "bowl")
    assert not criterion(world, "pour", {"source": "kettle_1", "receiver": "bowl_1"})()


def test_a_hand_over_needs_a_person_who_takes_it(make_world) -> None:
    world = make_world("sponge")
    is_taken = criterion(world, "hand_over", {"object": "sponge_1"})
    put(world, "sponge_1", HANDOVER_M)
    assert not is_taken()


def test_a_skill_without_criterion_is_a_mistake_of_the_programmer(make_world) -> None:
    with pytest.raises(AssertionError, match="dance"):
        criterion(make_world(), "dance", {})
