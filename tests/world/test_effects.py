"""Effects, read from a world in which things are put by hand."""

import mujoco
import numpy as np
import pytest

from regard.world.effects import (
    centre_m,
    is_at_handover,
    is_inside,
    is_over_top,
    joint_share,
    opening_joint,
    poured,
    rests,
    speed_m_s,
    tilt_rad,
)
from regard.world.person import HANDOVER_M


def put(world, name: str, position_m, quaternion=(1, 0, 0, 0)) -> None:
    address = world.physics.qpos_addresses((f"{name}/free",))[0]
    world.physics.data.qpos[address : address + 7] = [*position_m, *quaternion]
    mujoco.mj_forward(world.physics.model, world.physics.data)


def test_an_object_is_inside_below_the_rim_and_within_the_wall(make_world) -> None:
    world = make_world("bowl", "sponge")
    floor = world.physics.body_pose("bowl_1/body").position_m
    opening = world.physics.site_pose("bowl_1/opening").position_m
    assert not is_inside(world.physics, "sponge_1", "bowl_1")
    put(world, "sponge_1", floor + [0, 0, 0.01])
    assert is_inside(world.physics, "sponge_1", "bowl_1")
    put(world, "sponge_1", opening + [0, 0, 0.05])
    assert not is_inside(world.physics, "sponge_1", "bowl_1")
    put(world, "sponge_1", floor + [0.2, 0, 0.01])
    assert not is_inside(world.physics, "sponge_1", "bowl_1")


def test_an_object_is_over_a_top_within_its_edge(make_world) -> None:
    world = make_world("plate", "mug")
    top = world.physics.site_pose("plate_1/top").position_m
    put(world, "mug_1", top)
    assert is_over_top(world.physics, "mug_1", "plate_1")
    put(world, "mug_1", top + [0.25, 0, 0])
    assert not is_over_top(world.physics, "mug_1", "plate_1")


def test_what_falls_does_not_rest(make_world) -> None:
    world = make_world("plate", "mug")
    top = world.physics.site_pose("plate_1/top").position_m
    put(world, "mug_1", top + [0, 0, 0.05])
    world.physics.step(25)
    assert speed_m_s(world.physics, "mug_1") > 0.1
    assert not rests(world.physics, world.contacts, "mug_1", on="plate_1")
    world.physics.step(600)
    assert rests(world.physics, world.contacts, "mug_1", on="plate_1")
    assert not rests(world.physics, world.contacts, "mug_1", on="table_2")


def test_the_hand_over_reaches_ten_centimetres(make_world) -> None:
    world = make_world("sponge")
    body = world.physics.body_pose("sponge_1/body").position_m
    middle = centre_m(world.physics, "sponge_1") - body
    for distance, expected in ((0.09, True), (0.11, False)):
        put(world, "sponge_1", np.array(HANDOVER_M) - middle + [0, distance, 0])
        assert is_at_handover(world.physics, "sponge_1") is expected


def test_beads_are_counted_where_they_are(make_world) -> None:
    world = make_world("kettle", "mug")
    kettle = world.instance("kettle_1")
    assert poured(world.physics, kettle, "mug_1") == (0.0, 1.0, 0.0)
    goals = world.physics.body_pose("mug_1/body").position_m + [0, 0, 0.03]
    beads = kettle.beads()
    half = len(beads) // 2
    for bead, goal in zip(beads, [goals] * half + [goals + [0.5, 0, 0]] * half, strict=False):
        shift = goal - world.physics.data.body(bead).xpos
        first = world.physics.model.body(bead).jntadr[0]
        for joint in range(first, first + 3):
            address = world.physics.model.jnt_qposadr[joint]
            world.physics.data.qpos[address] += world.physics.data.xaxis[joint] @ shift
    mujoco.mj_forward(world.physics.model, world.physics.data)
    now = poured(world.physics, kettle, "mug_1")
    assert now.received == pytest.approx(half / len(beads))
    assert now.spilled == pytest.approx(half / len(beads))
    assert sum(now) == pytest.approx(1.0)


def test_a_joint_is_read_as_a_share_of_its_range(make_world) -> None:
    world = make_world("drawer_unit", "mug")
    joint = opening_joint(world.physics, "drawer_unit_1")
    assert joint == "drawer_unit_1/slide"
    assert opening_joint(world.physics, "mug_1") is None
    low, high = world.physics.joint_range(joint)
    world.physics.data.joint(joint).qpos[:] = low + 0.25 * (high - low)
    assert joint_share(world.physics, joint) == pytest.approx(0.25)


def test_a_tilt_is_the_angle_from_upright(make_world) -> None:
    world = make_world("mug")
    assert tilt_rad(world.physics, "mug_1") == pytest.approx(0.0, abs=0.01)
    put(world, "mug_1", [0, 0, 1.0], (np.cos(0.35), np.sin(0.35), 0, 0))
    assert tilt_rad(world.physics, "mug_1") == pytest.approx(0.7)
