"""Single constraints against cases computed by hand."""

import numpy as np
import pytest

from regard.cloth.engines import xpbd_kernel as kernel


def test_a_stiff_spring_shares_its_correction_by_the_weights():
    positions = np.array([[0.0, 0, 0], [2.0, 0, 0]])
    kernel.solve_springs(
        positions,
        np.array([1.0, 3.0]),
        np.array([[0, 1]]),
        np.array([1.0]),
        np.array([0.0]),
        True,
    )
    assert positions[:, 0] == pytest.approx([0.25, 1.25])


def test_a_compliant_spring_gives_way():
    positions = np.array([[0.0, 0, 0], [2.0, 0, 0]])
    # A softness of 2 beside the weights' 2: half the correction.
    kernel.solve_springs(
        positions,
        np.ones(2),
        np.array([[0, 1]]),
        np.array([1.0]),
        np.array([2.0]),
        True,
    )
    assert positions[:, 0] == pytest.approx([0.25, 1.75])


def test_bending_straightens_a_row_and_keeps_its_centre():
    positions = np.array([[0.0, 0, 0], [1.0, 0, 0.3], [2.0, 0, 0]])
    centre = positions.mean(axis=0)
    kernel.solve_bends(positions, np.ones(3), np.array([[0, 1, 2]]), 0.0, True)
    assert np.ptp(positions[:, 2]) == pytest.approx(0)
    assert positions.mean(axis=0) == pytest.approx(centre)


@pytest.mark.parametrize(("slide", "left"), [(0.004, 0.0), (0.02, 0.015)])
def test_the_table_holds_a_vertex_up_to_its_friction(slide, left):
    before = np.zeros((1, 3))
    positions = np.array([[slide, 0.0, -0.01]])
    kernel.touch_floor(positions, before, np.ones(1), 0.0, 0.5)
    assert positions[0] == pytest.approx([left, 0, 0])


def test_overlapping_vertices_part_along_their_line():
    positions = np.array([[0.0, 0, 0], [0.0, 0, 0.008]])
    near = np.array([[0, 1]])
    kernel.separate(positions, positions.copy(), np.ones(2), near, 1, 0.01, 0.5, 0.1)
    assert positions[:, 2] == pytest.approx([-0.001, 0.009])


def test_neighbours_in_the_grid_are_not_searched_for():
    positions = np.array([[0.0, 0, 0], [0.005, 0, 0], [0.0, 0, 0.012]])
    rest = np.array([[0, 0.01, 0.02], [0.01, 0, 0.02], [0.02, 0.02, 0]])
    near = np.zeros((10, 2), np.int64)
    assert kernel.find_near(positions, 0.01, rest, np.empty(3), near) == 2
    assert near[:2].tolist() == [[0, 2], [1, 2]]


def test_a_free_vertex_falls_as_under_gravity():
    positions, velocities = np.array([[0.0, 0, 1.0]]), np.zeros((1, 3))
    nothing = np.zeros((0, 2), np.int64)
    kernel.simulate(
        positions,
        velocities,
        1.0,
        nothing,
        np.zeros(0),
        np.zeros(0),
        np.zeros((0, 3), np.int64),
        1.0,
        0.0,
        0.01,
        np.zeros((1, 1)),
        0.5,
        -1,
        np.zeros(3),
        0.001,
        100,
        10,
    )
    fallen = 9.81 * 0.1**2 / 2
    assert 1 - positions[0, 2] == pytest.approx(fallen, rel=0.06)
