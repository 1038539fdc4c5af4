"""Scenes drawn from a seed."""

import itertools
import math

import pytest

from regard.world.layout import Layout, LayoutError, generate_layout, look_alike_pairs
from regard.world.overlap import corners, rectangles_overlap
from regard.world.scene_config import SceneConfig

SEEDS = range(3)
SIZES = (6, 10, pytest.param(14, marks=pytest.mark.slow))


def specs(layout: Layout) -> list:
    return [placement.instance.spec for placement in layout.placements]


def test_one_seed_gives_one_layout_and_another_seed_another() -> None:
    config = SceneConfig(num_objects=8)
    assert generate_layout(config, seed=4) == generate_layout(config, seed=4)
    assert generate_layout(config, seed=4) != generate_layout(config, seed=5)


@pytest.mark.parametrize("num_objects", SIZES)
@pytest.mark.parametrize("catalogue", ["development", "all"])
def test_objects_keep_their_distance_and_stay_in_reach(num_objects: int, catalogue: str) -> None:
    config = SceneConfig(num_objects=num_objects, catalogue=catalogue)
    for seed in SEEDS:
        layout = generate_layout(config, seed=seed)
        assert len(layout.placements) == num_objects
        assert len(layout.instances()) == num_objects
        rectangles = [
            corners(
                each.instance.spec.footprint_m,
                x_m=each.x_m,
                y_m=each.y_m,
                yaw_rad=each.yaw_rad,
                margin_m=config.gap_m / 2 - 1e-9,
            )
            for each in layout.placements
        ]
        pairs = itertools.combinations(rectangles, 2)
        assert not any(rectangles_overlap(first, second) for first, second in pairs)
        for each in layout.placements:
            distance = math.hypot(config.arm_base_m[0] - each.x_m, config.arm_base_m[1] - each.y_m)
            assert config.reach_m[0] <= distance <= config.reach_m[1]


@pytest.mark.parametrize("pairs", [0, 1, 3])
def test_look_alikes_are_present(pairs: int) -> None:
    for seed in SEEDS:
        config = SceneConfig(num_objects=8, num_look_alike_pairs=pairs)
        assert look_alike_pairs(specs(generate_layout(config, seed=seed))) >= pairs
    alone = SceneConfig(num_objects=1, required=("lamp",), num_look_alike_pairs=pairs)
    assert len(generate_layout(alone, seed=0).placements) == 1


def test_required_kinds_are_present_as_often_as_named_and_in_other_colours() -> None:
    config = SceneConfig(num_objects=5, required=("mug", "mug", "kettle"))
    layout = generate_layout(config, seed=1)
    mugs = [p.instance for p in layout.placements if p.instance.kind == "mug"]
    assert {"mug_1", "mug_2", "kettle_1"} <= set(layout.instances())
    assert mugs[0].colour != mugs[1].colour


def test_cloth_comes_only_when_it_is_asked_for() -> None:
    crowd = SceneConfig(num_objects=10)
    kinds = {spec.kind for seed in SEEDS for spec in specs(generate_layout(crowd, seed=seed))}
    assert "towel" not in kinds
    asked = generate_layout(SceneConfig(num_objects=2, required=("towel",)), seed=0)
    assert "towel_1" in asked.instances()


def test_the_front_of_what_is_fixed_faces_the_arm() -> None:
    config = SceneConfig(num_objects=2, required=("drawer_unit",), num_look_alike_pairs=0)
    for seed in SEEDS:
        drawer = generate_layout(config, seed=seed).placements[0]
        to_arm = math.atan2(config.arm_base_m[1] - drawer.y_m, config.arm_base_m[0] - drawer.x_m)
        assert drawer.yaw_rad == pytest.approx(to_arm)


def test_too_many_objects_and_unknown_kinds_are_refused() -> None:
    small = (0.0, 0.1)
    crowd = SceneConfig(num_objects=4, required=("tray",) * 4, area_x_m=small, area_y_m=small)
    with pytest.raises(LayoutError, match=r"no room for 4 objects \(tray, tray, tray, tray among"):
        generate_layout(crowd, seed=0)
    with pytest.raises(LayoutError, match="unknown kinds samovar"):
        generate_layout(SceneConfig(required=("samovar",)), seed=0)
