"""The hand that takes what is offered."""

import pytest

from regard.world.execution import person_hand
from regard.world.execution.person_hand import PersonHand


def offered(world, monkeypatch, *, held: list[bool]) -> PersonHand:
    monkeypatch.setattr(person_hand, "is_at_handover", lambda *_: True)
    monkeypatch.setattr(world, "is_between_fingers", lambda name: held[0])
    return PersonHand(world, "sponge_1")


def force_n(world) -> float:
    return -float(world.physics.data.body("sponge_1/body").xfrc_applied[0])


def test_the_pull_grows_and_has_an_end(make_world, monkeypatch) -> None:
    world = make_world("sponge")
    hand = offered(world, monkeypatch, held=[True])
    forces = []
    for after_s in (0.0, 0.4, 0.7, 1.5, 9.0):
        world.physics.data.time = after_s
        hand.look()
        forces.append(force_n(world))
    assert forces[:2] == [0.0, 0.0]
    assert forces[2:] == pytest.approx([2.0, 10.0, 20.0])
    assert not hand.has_taken


def test_what_the_fingers_let_go_is_held_not_dropped(make_world, monkeypatch) -> None:
    world = make_world("sponge")
    held = [True]
    hand = offered(world, monkeypatch, held=held)
    address = world.physics.qpos_addresses(("sponge_1/free",))[0]
    world.physics.data.qpos[address + 2] = 1.0
    world.physics.data.qpos[address : address + 2] = [0.0, 0.6]
    hand.look()
    world.physics.data.time += 1.0
    held[0] = False
    world.physics.observers.append(hand.look)
    world.physics.step(700)
    assert hand.has_taken
    assert world.physics.body_pose("sponge_1/body").position_m[2] > 0.95


def test_nothing_is_pulled_before_it_is_offered(make_world) -> None:
    world = make_world("sponge")
    hand = PersonHand(world, "sponge_1")
    world.physics.observers.append(hand.look)
    world.physics.step(1000)
    assert force_n(world) == 0
    assert not hand.has_taken


def test_what_spins_about_its_long_axis_is_held_too(make_world, monkeypatch) -> None:
    world = make_world("spoon")
    held = [True]
    monkeypatch.setattr(person_hand, "is_at_handover", lambda *_: True)
    monkeypatch.setattr(world, "is_between_fingers", lambda name: held[0])
    hand = PersonHand(world, "spoon_1")
    address = world.physics.qpos_addresses(("spoon_1/free",))[0]
    world.physics.data.qpos[address : address + 3] = [0.0, 0.6, 1.0]
    hand.look()
    world.physics.data.time += 1.0
    held[0] = False
    world.physics.data.qvel[world.physics.dof_addresses(("spoon_1/free",))[0] + 3] = 1.0
    world.physics.observers.append(hand.look)
    world.physics.step(300)
    assert abs(world.physics.body_velocity("spoon_1/body")[:3]).max() < 0.1
