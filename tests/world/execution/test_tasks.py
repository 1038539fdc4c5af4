"""Drawing tasks."""

import numpy as np

from regard.world.execution.tasks import FAMILIES, THREE_OBJECTS, draw_task, families, spot_position


def test_there_are_twelve_families_that_take_turns() -> None:
    names = families(held_out=False)
    assert set(names) == set(FAMILIES) | set(THREE_OBJECTS)
    assert [draw_task(0, index, held_out=False).family for index in range(12)] == list(names)


def test_one_seed_gives_one_task() -> None:
    assert draw_task(5, 7, held_out=False) == draw_task(5, 7, held_out=False)
    drawn = {draw_task(seed, 0, held_out=False).kinds for seed in range(30)}
    assert len(drawn) > 3


def test_the_patch_keeps_off_the_objects() -> None:
    occupied = np.array([[0.0, 0.0], [0.1, 0.2]])
    place = spot_position(occupied, np.array([0.05, 0.05]), np.random.default_rng(0))
    assert place is not None
    assert np.linalg.norm(occupied - place, axis=1).min() > 0.15


def test_a_full_table_has_no_patch() -> None:
    everywhere = np.stack(np.meshgrid(np.linspace(-0.3, 0.4, 15), np.linspace(-0.5, 0.5, 21)), -1)
    occupied = everywhere.reshape(-1, 2)
    radii = np.full(len(occupied), 0.05)
    assert spot_position(occupied, radii, np.random.default_rng(0)) is None
