"""What is drawn for an episode lies where it should."""

import numpy as np
import pytest

from regard.cloth.conditions import HELD_OUT, TRAINING, draw_conditions, ranges_of
from regard.cloth.errors import ClothError

DISJOINT = ("size", "areal_density", "young", "thickness", "friction", "yaw_degrees")


def draw(ranges, count=200, any_yaw=False):
    rng = np.random.default_rng(0)
    return [draw_conditions(rng, ranges, any_yaw=any_yaw) for _ in range(count)]


@pytest.mark.parametrize("ranges", [TRAINING, HELD_OUT])
def test_every_draw_lies_within_its_bounds(ranges):
    for each in draw(ranges):
        for name in ("size", "areal_density", "young", "thickness", "friction"):
            low, high = getattr(ranges, name)
            assert low <= getattr(each.properties, name) <= high
        assert ranges.shift[0] <= min(each.shift) <= max(each.shift) <= ranges.shift[1]
        assert abs(np.degrees(each.yaw)) <= ranges.yaw_degrees[1]
        assert 0 <= each.action_delay <= ranges.max_action_delay


def test_the_same_seed_draws_the_same_and_conditions_vary():
    assert draw(TRAINING, 5) == draw(TRAINING, 5)
    drawn = draw(TRAINING)
    assert len({each.properties for each in drawn}) == len(drawn)
    assert {each.action_delay for each in drawn} == {0, 1}
    assert {each.is_wrinkled for each in drawn} == {True, False}


@pytest.mark.parametrize("name", DISJOINT)
def test_held_out_materials_and_poses_are_not_trained_on(name):
    trained, held_out = getattr(TRAINING, name), getattr(HELD_OUT, name)
    assert held_out[0] >= trained[1] or held_out[1] <= trained[0]


def test_flattening_takes_any_turn():
    turns = [each.yaw for each in draw(TRAINING, any_yaw=True)]
    assert max(turns) > 3
    assert min(turns) < -3


def test_ranges_are_found_by_name_or_refused():
    assert ranges_of("training") is TRAINING
    with pytest.raises(ClothError, match="'test'.*training, held-out"):
        ranges_of("test")
