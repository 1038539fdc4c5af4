"""What is believed about where things are."""

import numpy as np
import pytest

from regard.world.skills.perception import RGBD_NOISE, Perception, PoseNoise


def test_every_look_errs_anew_with_the_stated_size(make_world) -> None:
    world = make_world("mug")
    perception = Perception(world.physics, noise=RGBD_NOISE, seed=0)
    true = world.physics.body_pose("mug_1/body").position_m
    errors = np.array([perception.look("mug_1").translation() - true for _ in range(400)])
    assert errors.std(axis=0)[:2] == pytest.approx([RGBD_NOISE.position_m] * 2, rel=0.15)
    assert errors.std(axis=0)[2] == pytest.approx(RGBD_NOISE.height_m, rel=0.15)
    assert np.abs(errors.mean(axis=0)).max() < 0.0006


def test_one_seed_gives_the_same_errors(make_world) -> None:
    world = make_world("mug")
    looks = [
        Perception(world.physics, noise=RGBD_NOISE, seed=3).look("mug_1").translation()
        for _ in range(2)
    ]
    assert np.array_equal(*looks)


def test_an_element_moves_with_what_is_believed(make_world) -> None:
    world = make_world("mug")
    exact = PoseNoise(position_m=0.0, height_m=0.0, yaw_rad=0.0)
    perception = Perception(world.physics, noise=exact, seed=0)
    seen = perception.look("mug_1")
    opening = perception.element("mug_1", "opening", seen=seen)
    assert opening.translation() == pytest.approx(
        world.physics.site_pose("mug_1/opening").position_m, abs=1e-6
    )
    aside = type(seen).from_translation(np.array([0.1, 0, 0])) @ seen
    moved = perception.element("mug_1", "opening", seen=aside)
    assert moved.translation() - opening.translation() == pytest.approx([0.1, 0, 0])
