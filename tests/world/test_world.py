"""A scene with the arm in it."""

import numpy as np
import pytest

from regard.world.arm.simulated import HOME_RAD
from regard.world.failures import FailureKind, SkillFailure


def test_the_arm_stands_at_home_with_an_empty_hand(make_world) -> None:
    world = make_world("mug")
    assert world.arm.state().position_rad == pytest.approx(np.array(HOME_RAD), abs=0.01)
    assert world.holding() is None


def test_an_unknown_object_is_missing(make_world) -> None:
    with pytest.raises(SkillFailure, match="there is: mug_1") as caught:
        make_world("mug").instance("teapot")
    assert caught.value.kind is FailureKind.MISSING


def test_one_seed_gives_one_world(make_world) -> None:
    states = [make_world("mug", "kettle", seed=3).physics.data.qpos.copy() for _ in range(2)]
    assert np.array_equal(*states)
