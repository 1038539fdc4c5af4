"""Ways to take an object."""

import mink
import numpy as np
import pytest

from regard.world.motion.path import pose
from regard.world.skills.grasps import (
    FINGER_HALF_WIDTH_M,
    FINGERTIP_M,
    Grasp,
    candidates,
    either_way,
    leaning,
)

DOWN = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])
SIDEWAYS = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0.0]])


def test_a_round_thing_is_taken_at_every_yaw(make_context) -> None:
    context = make_context("cup", "remote")
    world = context.world
    counts = {}
    for name in ("cup_1", "remote_1"):
        found = candidates(world.physics, context.perception, instance=world.instance(name))
        sites = {grasp.site for grasp in found}
        counts[name] = len(found) / len(sites)
        assert all(grasp.part in ("rim", "body", "handle") for grasp in found)
    assert world.instance("cup_1").spec.symmetric
    assert counts["cup_1"] >= 12 * counts["remote_1"] / 4


def test_a_hand_from_above_does_not_lean(make_context) -> None:
    assert len(list(leaning(pose(np.zeros(3), DOWN)))) == 1


def test_a_flat_thing_is_also_taken_askew_with_the_fingers_level(make_context) -> None:
    context = make_context("remote")
    instance = context.world.instance("remote_1")
    found = candidates(context.world.physics, context.perception, instance=instance)
    rotations = [grasp.hand_in_object.rotation().as_matrix() for grasp in found]
    downs = {round(-float(rotation[2, 2]), 3) for rotation in rotations}
    assert downs == {1.0, round(float(np.cos(0.3)), 3)}
    assert all(abs(rotation[2, 0]) < 1e-6 for rotation in rotations)


def test_a_hand_from_the_side_leans_from_above_only() -> None:
    approaches = [
        each.rotation().as_matrix()[2, 2] for each in leaning(pose(np.zeros(3), SIDEWAYS))
    ]
    assert approaches[0] == pytest.approx(0.0)
    assert np.all(np.diff(approaches) < 0)


def test_the_two_fingers_are_alike() -> None:
    one, other = either_way(pose(np.zeros(3), DOWN))
    assert np.allclose(one.rotation().as_matrix()[:, 0], -other.rotation().as_matrix()[:, 0])
    assert np.allclose(one.rotation().as_matrix()[:, 2], other.rotation().as_matrix()[:, 2])


def test_fingertips_stay_off_what_the_object_stands_on() -> None:
    low = Grasp(site="grasp_body_0", hand_in_object=pose(np.array([0, 0, 0.005]), DOWN))
    place = mink.SE3.from_translation(np.array([0.1, 0.2, 0.72]))
    tip = low.above_ground(place).hand(place).translation()[2] - FINGERTIP_M
    assert 0.72 < tip < 0.73
    high = Grasp(site="grasp_body_0", hand_in_object=pose(np.array([0, 0, 0.10]), DOWN))
    assert high.above_ground(place) is high


def test_fingers_stay_off_a_lid_with_their_tips_and_their_sides() -> None:
    place = mink.SE3.from_translation(np.array([0.1, 0.2, 0.72]))
    for rotation, reach in ((DOWN, FINGERTIP_M), (SIDEWAYS, FINGER_HALF_WIDTH_M)):
        grasp = Grasp(site="handle", hand_in_object=pose(np.array([0, 0, 0.03]), rotation))
        hand = grasp.above_ground(place, floor_m=0.035).hand(place)
        assert 0.755 < hand.translation()[2] - reach < 0.765
