"""The field's figures against cases computed by hand."""

import numpy as np
import pytest

from regard.cloth import mesh, metrics

SIZE = 0.3


def flat(resolution=9):
    return mesh.flat_positions(resolution, SIZE)


def folded(fold, resolution=9):
    positions = flat(resolution)
    pairs = metrics.fold_map(fold, resolution)
    positions[pairs.moving] = positions[pairs.base]
    return positions


def test_the_axis_fold_of_a_three_by_three_cloth_pairs_its_rows():
    pairs = metrics.fold_map("axis", 3)
    assert pairs.moving.tolist() == [0, 1, 2]
    assert pairs.base.tolist() == [6, 7, 8]
    assert pairs.corner_pairs.tolist() == [0, 2]
    assert pairs.edge_pairs.tolist() == [0, 1, 2]


def test_the_diagonal_fold_of_a_three_by_three_cloth_leaves_the_crease_out():
    pairs = metrics.fold_map("diagonal", 3)
    assert pairs.moving.tolist() == [0, 1, 3]
    assert pairs.base.tolist() == [8, 5, 7]
    assert pairs.corner_pairs.tolist() == [0]


def test_flat_cloth_is_as_far_from_folded_as_its_halves_are_apart():
    found = metrics.fold_figures("axis", flat(3), flat(3))
    assert found.fold_distance == pytest.approx(0.3)
    assert found.corner_distance == pytest.approx(0.3)
    assert found.base_drift == 0
    assert found.performance == pytest.approx(-0.3)


def test_the_diagonal_distance_of_flat_cloth_is_that_of_hand():
    # Three pairs: the corners are sqrt(2) 0.3 m apart, the two mid-edges sqrt(2) 0.15 m.
    found = metrics.fold_figures("diagonal", flat(3), flat(3))
    assert found.fold_distance == pytest.approx(2**0.5 * (0.3 + 0.15 + 0.15) / 3)
    assert found.corner_distance == pytest.approx(2**0.5 * 0.3)


@pytest.mark.parametrize("fold", ["diagonal", "axis"])
def test_a_perfect_fold_has_no_distance(fold):
    found = metrics.fold_figures(fold, folded(fold), flat())
    assert found.performance == 0
    assert found.edge_distance == 0


def test_drift_of_the_base_counts_a_fifth_more():
    moved = folded("axis") + (0.0, 0.01, 0.0)
    found = metrics.fold_figures("axis", moved, flat())
    assert found.fold_distance == pytest.approx(0)
    assert found.base_drift == pytest.approx(0.01)
    assert found.performance == pytest.approx(-0.012)


def test_the_diagonal_edge_distance_is_half_of_what_dmfd_sums():
    rng = np.random.default_rng(0)
    positions = flat() + rng.normal(0, 0.01, (81, 3))
    grid = positions.reshape(9, 9, 3)
    # The corner (0, 8) lies on the crease and is its own partner: it is in neither sum.
    first = np.linalg.norm(grid[0, :8] - grid[8:0:-1, 8], axis=1)
    second = np.linalg.norm(grid[:8, 0] - grid[8, 8:0:-1], axis=1)
    corner_twice = np.concatenate([first, second[1:]])
    found = metrics.fold_figures("diagonal", positions, flat())
    assert found.edge_distance == pytest.approx(corner_twice.mean())


def test_performance_is_normalised_between_start_and_best():
    assert metrics.normalized_performance(-0.3, -0.3, 0.0) == 0
    assert metrics.normalized_performance(-0.075, -0.3, 0.0) == pytest.approx(0.75)
    assert metrics.normalized_performance(0.7, 0.4, 1.0) == pytest.approx(0.5)


def test_flat_cloth_covers_its_area_however_it_lies():
    assert metrics.coverage(flat(), SIZE) == pytest.approx(1, abs=0.02)
    cosine, sine = np.cos(0.7), np.sin(0.7)
    turned = flat() @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) + 0.2
    assert metrics.coverage(turned, SIZE) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("fold", ["diagonal", "axis"])
def test_folded_cloth_covers_half(fold):
    assert metrics.coverage(folded(fold), SIZE) == pytest.approx(0.5, abs=0.02)


def test_cloth_stretched_beyond_the_raster_does_not_break_it():
    assert metrics.coverage(flat() * 5, SIZE) == pytest.approx(4, abs=0.1)
