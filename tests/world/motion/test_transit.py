"""Ways over what stands between."""

import mink
import numpy as np
import pytest

from regard.world.motion import transit
from regard.world.motion.path import Around, pose
from regard.world.motion.transit import Load
from regard.world.world import ARM_BASE_M

ASIDE = mink.SE3.from_translation(np.array([0.3, -0.5, 0.74]))
DOWN = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])


@pytest.fixture
def context(make_context):
    context = make_context("bottle", "sponge")
    # The bottle stands in the middle of the way, wherever the layout put it.
    wanted = mink.SE3.from_translation(np.array([-0.06, 0.0, 0.722]))
    context.world.clearance.refresh({"bottle_1": wanted, "sponge_1": ASIDE})
    return context


def _ends(context):
    left, right = (pose(np.array([0.0, side, 0.80]), DOWN) for side in (0.25, -0.25))
    joints = context.transit.solve(left)
    assert joints is not None
    return left, right, joints


def test_a_way_through_a_bottle_is_none(context) -> None:
    left, right, joints = _ends(context)
    path = [Around(left, right, ARM_BASE_M[:2])]
    assert context.transit.walk(path, seed_rad=joints, load=None) is None
    assert context.transit.walk(path, seed_rad=joints, load=None, ignore=("bottle_1",)) is not None


def test_the_way_over_it_rises_as_far_as_it_must(context) -> None:
    left, right, joints = _ends(context)
    way = context.transit.over(left, right, seed_rad=joints, load=None)
    assert way is not None
    highest = max(path.end.translation()[2] for path in way.paths)
    free = context.transit.over(left, right, seed_rad=joints, load=None, ignore=("bottle_1",))
    assert free is not None
    assert highest > max(path.end.translation()[2] for path in free.paths)
    assert np.allclose(way.paths[-1].end.translation(), right.translation())


def test_a_load_needs_more_room(context) -> None:
    left, right, joints = _ends(context)
    hanging = Load(name="bottle_1", in_hand=mink.SE3.from_translation(np.array([0, 0, 0.10])))
    # What hangs 10 cm below the fingers stands in the table.
    assert context.transit.over(left, right, seed_rad=joints, load=hanging) is None


def test_a_load_that_may_hang_askew_is_carried_higher(context, monkeypatch) -> None:
    left, right, joints = _ends(context)
    small = Load(name="sponge_1", in_hand=mink.SE3.from_translation(np.array([0, 0, 0.02])))

    def highest(room_m: float) -> float:
        monkeypatch.setattr(transit, "ROOM_M", room_m)
        way = context.transit.over(left, right, seed_rad=joints, load=small)
        assert way is not None
        return max(path.end.translation()[2] for path in way.paths)

    assert highest(0.06) > highest(0.0)


def test_out_of_reach_has_no_solution(context) -> None:
    assert context.transit.solve(pose(np.array([-1.5, 0, 0.8]), DOWN)) is None
