"""The observation vector and its names."""

import numpy as np
import pytest

from regard.cloth.envs import observation as observing


def example(**changes):
    rng = np.random.default_rng(0)
    seen = observing.Seen(
        points=rng.normal(size=(25, 3)),
        gripper=rng.normal(size=3),
        held=np.eye(9)[4],
        is_holding=True,
        elapsed=0.25,
        rest=0.5,
        size=0.27,
        last_action=np.linspace(-1, 1, 6),
    )
    return seen._replace(**changes)


def test_reading_is_the_inverse_of_packing():
    vector = observing.pack(example())
    assert vector.shape == (observing.OBSERVATION_SIZE,) == (97,)
    assert vector.dtype == np.float32
    again = observing.read(vector)
    for name, value in example()._asdict().items():
        assert getattr(again, name) == pytest.approx(value, abs=1e-6), name


def test_nan_and_giants_never_reach_the_policy():
    vector = observing.pack(example(points=np.full((25, 3), np.nan), gripper=np.full(3, 1e9)))
    assert np.isfinite(vector).all()
    assert vector.max() == observing.BOUND


def test_the_held_point_is_the_nearest_graspable_one():
    assert observing.held_grasp(None, 9).sum() == 0
    assert observing.held_grasp(0, 9).argmax() == 0
    assert observing.held_grasp(1, 9).argmax() == 0
    assert observing.held_grasp(80, 9).argmax() == 8
    assert observing.held_grasp(84, 13).argmax() == 4
