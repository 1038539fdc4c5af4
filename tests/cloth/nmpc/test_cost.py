"""What the planner wants."""

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.nmpc.cost import CostWeights, fold_cost, motion_cost, outcome_cost
from regard.cloth.tasks import FLATTEN, FOLD_AXIS

FLAT = mesh.flat_positions(9, 1.0)
WEIGHTS = CostWeights(base_drift=3.0, corner=0.5, effort=0.1, smoothness=0.2)


def test_a_perfect_fold_costs_nothing_and_a_flat_cloth_its_distances():
    folded = FLAT.reshape(9, 9, 3).copy()
    folded[:4] = folded[:4:-1]
    assert fold_cost("axis", folded.reshape(-1, 3), FLAT, WEIGHTS) == pytest.approx(0)
    assert fold_cost("axis", FLAT, FLAT, WEIGHTS) == pytest.approx(0.625 + 0.5 * 1.0)


def test_drift_costs_by_its_weight():
    moved = FLAT + (0.1, 0.0, 0.0)
    still = fold_cost("axis", FLAT, FLAT, WEIGHTS)
    assert fold_cost("axis", moved, FLAT, WEIGHTS) == pytest.approx(still + 3.0 * 0.1)


def test_flattening_wants_coverage():
    half = FLAT * (0.5, 1.0, 1.0)
    assert outcome_cost(FLATTEN, FLAT, FLAT, WEIGHTS) == pytest.approx(0, abs=0.03)
    assert outcome_cost(FLATTEN, half, FLAT, WEIGHTS) == pytest.approx(0.5, abs=0.03)
    assert outcome_cost(FOLD_AXIS, FLAT, FLAT, WEIGHTS) > 1


def test_a_straight_even_path_costs_effort_alone():
    path = np.outer(np.arange(4), (0.1, 0.0, 0.0))
    assert motion_cost(path, WEIGHTS) == pytest.approx(0.1 * 3 * 0.01)


def test_a_jerky_path_costs_more():
    path = np.outer((0.0, 0.2, 0.2, 0.3), (1.0, 0.0, 0.0))
    steps, changes = 0.04 + 0 + 0.01, 0.04 + 0.01
    assert motion_cost(path, WEIGHTS) == pytest.approx(0.1 * steps + 0.2 * changes)
