"""Where a vessel is poured out."""

import math

import mink
import numpy as np
import pytest

from regard.world.motion.path import pose
from regard.world.motion.transit import Load
from regard.world.skills.pouring import INSIDE_M, PourPlace, pour_place


def test_tilting_lowers_the_spout_side_and_keeps_the_tip() -> None:
    tip = np.array([0.1, 0.0, 0.9])
    place = PourPlace(
        hand=pose(np.array([0.0, 0.0, 0.9]), np.eye(3)), pivot_m=tip, axis=np.array([0, 1.0, 0])
    )
    tilted = place.tilt(place.hand, math.radians(80)).at(1.0)
    # The spout points along x: the hand behind it rises.
    assert tilted.translation()[2] > 0.95
    assert place.hover().translation()[2] == pytest.approx(0.98)
    in_hand = place.hand.inverse() @ mink.SE3.from_translation(tip)
    assert (tilted @ in_hand).translation() == pytest.approx(tip)


def test_the_tip_stands_inside_the_rim_of_the_receiver(make_context) -> None:
    context = make_context("kettle", "bowl")
    context.look_around()
    opening = context.world.physics.site_pose("bowl_1/opening").position_m
    radius = context.world.physics.site_size("bowl_1/opening")[0]
    # From the side at half height, as on a handle opposite the spout.
    sideways = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
    hand_in_object = pose(np.array([-0.09, 0, 0.08]), sideways)
    load = Load(name="kettle_1", in_hand=hand_in_object.inverse())
    place = pour_place(context, load, "bowl_1", seed_rad=context.joints())
    assert place is not None
    offset = place.pivot_m - opening
    assert np.hypot(*offset[:2]) == pytest.approx(INSIDE_M)
    assert radius > INSIDE_M
    assert offset[2] > 0


def test_out_of_reach_there_is_no_place(make_context) -> None:
    context = make_context("kettle", "bowl")
    far = mink.SE3.from_translation(np.array([0.0, 0.0, 2.5]))
    load = Load(name="kettle_1", in_hand=far)
    assert pour_place(context, load, "bowl_1", seed_rad=context.joints()) is None
