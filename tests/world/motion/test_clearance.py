"""Whether the arm would touch anything."""

import mink
import numpy as np
import pytest

from regard.world.arm.simulated import HOME_RAD
from regard.world.motion.path import pose

DOWN = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])
HOME = np.array(HOME_RAD)
ASIDE = mink.SE3.from_translation(np.array([0.3, -0.5, 0.74]))


@pytest.fixture
def world(make_world):
    return make_world("mug")


def above(world, place: mink.SE3, height_m: float) -> np.ndarray:
    # The fingers close along y: so far aside, one of them stands in the wall of the mug.
    hand = pose(place.translation() + [0, 0.02, height_m], DOWN)
    joints = world.kinematics.solve(hand, seed_rad=HOME)
    assert joints is not None
    return joints


def test_home_touches_nothing_and_inside_the_mug_touches_it(world) -> None:
    mug = mink.SE3.from_translation(world.physics.body_pose("mug_1/body").position_m)
    world.clearance.refresh({})
    assert world.clearance.touched(HOME) == set()
    inside = above(world, mug, 0.05)
    assert world.clearance.touched(inside) == {"mug_1"}
    assert world.clearance.touched(inside, ignore=("mug_1",)) == set()


def test_an_object_counts_where_it_is_believed_to_be(world) -> None:
    mug = mink.SE3.from_translation(world.physics.body_pose("mug_1/body").position_m)
    inside = above(world, mug, 0.05)
    world.clearance.refresh({"mug_1": ASIDE})
    assert world.clearance.touched(inside) == set()
    world.clearance.refresh({"mug_1": mug})
    assert world.clearance.touched(inside) == {"mug_1"}


def test_what_is_held_touches_as_the_arm_does(world) -> None:
    mug = mink.SE3.from_translation(world.physics.body_pose("mug_1/body").position_m)
    world.clearance.refresh({"mug_1": ASIDE})
    hand = above(world, mug, 0.20)
    far_down = mink.SE3.from_translation(np.array([0, 0, 0.19]))
    assert world.clearance.touched(hand) == set()
    assert world.clearance.touched(hand, held=("mug_1", far_down)) == {"table"}


def test_what_is_held_is_near_what_it_does_not_touch(world) -> None:
    mug = mink.SE3.from_translation(world.physics.body_pose("mug_1/body").position_m)
    world.clearance.refresh({"mug_1": ASIDE})
    hand = above(world, mug, 0.20)
    low = mink.SE3.from_translation(np.array([0, 0, 0.096]))
    assert world.clearance.touched(hand, held=("mug_1", low), room_m=0.005) == set()
    assert world.clearance.touched(hand, held=("mug_1", low), room_m=0.02) == {"table"}
    assert world.clearance.touched(hand, held=("mug_1", low)) == set()


def test_the_real_world_is_left_as_it_is(world) -> None:
    before = world.physics.data.qpos.copy()
    world.clearance.refresh({"mug_1": ASIDE})
    world.clearance.touched(HOME + 0.3)
    assert np.array_equal(world.physics.data.qpos, before)


def test_room_between_the_pads_is_measured_where_the_object_is_believed(world) -> None:
    hand = above(world, ASIDE, 0.05)
    world.clearance.refresh({"mug_1": mink.SE3.from_translation(np.array([0.0, 0.3, 0.72]))})
    world.clearance.touched(hand)
    assert world.clearance.room_m("mug_1") == pytest.approx(0.1)
    # The mug's own middle between the open pads: 85 mm less its width of 81 mm, by two.
    world.clearance.refresh(
        {"mug_1": mink.SE3.from_translation(ASIDE.translation() + [0, 0.02, 0])}
    )
    world.clearance.touched(hand)
    assert world.clearance.room_m("mug_1") < 0.006
