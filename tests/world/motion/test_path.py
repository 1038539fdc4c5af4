"""Paths and paces."""

import math

import mink
import numpy as np
import pytest

from regard.world.motion.path import Around, Pace, Straight, Tilt, pose, share_at, shifted

START = pose(np.array([0.1, 0.2, 0.9]), np.eye(3))


def test_shares_rise_from_nothing_to_all() -> None:
    shares = [share_at(t, duration_s=2.0) for t in np.linspace(-0.1, 2.1, 200)]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert np.all(np.diff(shares) >= 0)


def test_the_pace_is_kept_between_the_ramps() -> None:
    path = Straight(START, shifted(START, np.array([0.6, 0, 0])))
    duration = Pace(speed_m_s=0.3, turn_rad_s=1.0).duration_s(path)
    times = np.linspace(0, duration, 500)
    places = [share_at(t, duration_s=duration) * path.length_m for t in times]
    assert np.max(np.diff(places) / np.diff(times)) == pytest.approx(0.3, rel=0.01)


def test_an_arc_keeps_its_distance_from_the_base() -> None:
    end = pose(np.array([0.1, -0.2, 0.9]), np.eye(3))
    arc = Around(START, end, (0.5, 0.0))
    for share in np.linspace(0, 1, 9):
        x, y, _ = arc.at(share).translation()
        assert math.hypot(x - 0.5, y) == pytest.approx(math.hypot(0.4, 0.2))
    assert np.allclose(arc.at(1).translation(), end.translation())


def test_a_tilt_keeps_the_pivot_where_it_is() -> None:
    pivot = np.array([0.1, 0.25, 0.95])
    tilt = Tilt(start=START, pivot_m=pivot, axis=np.array([1.0, 0, 0]), turn_rad=2.0)
    in_hand = START.inverse() @ mink.SE3.from_translation(pivot)
    for share in (0.3, 1.0):
        assert np.allclose((tilt.at(share) @ in_hand).translation(), pivot)


def test_a_pivoting_hand_turns_less_than_it_travels() -> None:
    axis = np.array([1.0, 0, 0])
    tilt = Tilt(start=START, pivot_m=np.zeros(3), axis=axis, turn_rad=1.0, hand_share=0.5)
    turned = START.rotation().inverse() @ tilt.at(1.0).rotation()
    assert np.linalg.norm(turned.log()) == pytest.approx(0.5)
