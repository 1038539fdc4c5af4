"""Where things can be let go."""

import mink
import numpy as np
import pytest

from regard.world.failures import FailureKind, SkillFailure
from regard.world.motion.path import pose
from regard.world.motion.transit import Load
from regard.world.skills import placing
from regard.world.skills.placing import (
    Release,
    extent_below_m,
    place,
    poses_in,
    poses_on,
    release_for,
    require_held,
)

DOWN = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])


def test_what_stands_reaches_nothing_below_itself_and_on_its_side_half_its_width(
    make_context,
) -> None:
    instance = make_context("bottle").world.instance("bottle_1")
    assert extent_below_m(instance, np.eye(3)) == 0
    lying = np.asarray(mink.SO3.from_y_radians(np.pi / 2).as_matrix())
    assert extent_below_m(instance, lying) == pytest.approx(instance.spec.footprint_m.x_max)


def test_the_least_turned_pose_comes_first(make_context) -> None:
    context = make_context("mug")
    present = mink.SE3.from_rotation(mink.SO3.from_z_radians(0.7))
    instance = context.world.instance("mug_1")
    poses = list(poses_on(context, instance, spot_m=np.array([0, 0, 0.72]), present=present))
    turns = [np.linalg.norm((present.rotation().inverse() @ p.rotation()).log()) for p in poses]
    assert turns[0] == pytest.approx(0.0, abs=1e-6)
    assert turns == sorted(turns)


def test_what_is_longer_than_the_opening_goes_in_on_end(make_context) -> None:
    context = make_context("spoon", "mug")
    instance = context.world.instance("spoon_1")
    first = poses_in(context, instance, "mug_1", present=mink.SE3.identity())[0]
    assert abs(first.rotation().as_matrix()[2, 0]) == pytest.approx(1.0)


def test_what_is_too_long_goes_in_low_end_first_and_never_across_the_rim(make_context) -> None:
    context = make_context("toothbrush", "bin")
    instance = context.world.instance("toothbrush_1")
    opening = context.world.physics.site_pose("bin_1/opening").position_m
    poses = poses_in(context, instance, "bin_1", present=mink.SE3.identity())
    foot = instance.spec.footprint_m
    ends = np.array([[foot.x_min, 0, 0.012], [foot.x_max, 0, 0.012]])
    slanted = 0
    for each in poses:
        low, high = sorted((each.apply(end) for end in ends), key=lambda end: end[2])
        is_on_end = np.hypot(*(high - low)[:2]) < 0.03
        # Below the rim, or upright above it: nothing else falls in.
        assert low[2] < opening[2] or is_on_end
        slanted += not is_on_end and high[2] - low[2] > 0.1
    assert slanted > 0
    assert abs(poses[0].rotation().as_matrix()[2, 0]) == pytest.approx(1.0)


def test_no_release_where_the_hand_cannot_draw_back(make_context, monkeypatch) -> None:
    context = make_context("sponge")
    load = Load(name="sponge_1", in_hand=pose(np.array([0, 0, 0.02]), DOWN))
    free = [mink.SE3.from_translation(np.array([0.05, 0.0, 0.73]))]
    assert release_for(context, load, free, seed_rad=context.joints(), touching=()) is not None

    def behind(joints_rad, *, held=None, ignore=()) -> set[str]:
        return set() if held else {"bottle_1"}

    monkeypatch.setattr(context.world.clearance, "touched", behind)
    assert release_for(context, load, free, seed_rad=context.joints(), touching=()) is None


def test_a_release_on_the_table_is_found_and_one_out_of_reach_is_not(make_context) -> None:
    context = make_context("sponge")
    load = Load(name="sponge_1", in_hand=pose(np.array([0, 0, 0.02]), DOWN))
    free = mink.SE3.from_translation(np.array([0.05, 0.0, 0.73]))
    far = mink.SE3.from_translation(np.array([-2.0, 0.0, 0.73]))
    found = release_for(context, load, [far, free], seed_rad=context.joints(), touching=("table",))
    assert isinstance(found, Release)
    assert (found.hand @ load.in_hand).translation() == pytest.approx(free.translation())
    none = release_for(context, load, [far], seed_rad=context.joints(), touching=("table",))
    assert none is None


def test_an_empty_hand_has_nothing_to_put_down(make_context) -> None:
    context = make_context("sponge")
    hand = context.mover.hand()
    with pytest.raises(SkillFailure) as caught:
        place(context, Release(hand=hand, hover=hand, ways=[]))
    assert caught.value.kind is FailureKind.HAND_EMPTY
    with pytest.raises(SkillFailure) as caught:
        require_held(context, "sponge_1")
    assert caught.value.kind is FailureKind.DROPPED


def test_fingertips_on_the_table_end_the_way_down(make_context, monkeypatch) -> None:
    context = make_context("sponge")
    hand = context.mover.hand()
    release = Release(hand=hand, hover=hand, ways=[])
    monkeypatch.setattr(placing, "_height_left", lambda *_: 0.05)
    assert not placing._is_down(context, "sponge_1", release)

    def pressed(first, second) -> float:
        return 3.0 if (tuple(first), tuple(second)) == (("arm/",), ("table",)) else 0.0

    monkeypatch.setattr(context.world.contacts, "force_n", pressed)
    assert placing._is_down(context, "sponge_1", release)
