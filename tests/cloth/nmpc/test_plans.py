"""Folds and drags to choose among."""

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.envs.actions import NUM_GRASPS
from regard.cloth.envs.observation import OBSERVED_GRID
from regard.cloth.nmpc import plans
from regard.cloth.nmpc.plans import CORNER_ORDERS, GRASP_ORDERS, FoldPlan

FLAT = mesh.flat_positions(OBSERVED_GRID, 1.0)
LAST = OBSERVED_GRID**2 - 1


@pytest.mark.parametrize(
    ("fold", "grasp", "partner"),
    [("diagonal", 0, LAST), ("axis", 0, 20), ("axis", 1, 22), ("axis", 2, LAST)],
)
def test_a_point_comes_to_lie_on_its_mirror_image(fold, grasp, partner):
    assert plans.partner_of(fold, grasp) == partner


def test_a_plan_leads_each_point_to_its_partner_with_its_own_height_and_overshoot():
    plan = FoldPlan("axis", (0, 2), np.array([[0.4, 0.1, 0.0], [0.5, 0.0, -0.1]]))
    first, second = plan.next_pick(FLAT, 0), plan.next_pick(FLAT, 1)
    assert (first.grasp, first.height) == (0, 0.4)
    assert first.target == pytest.approx((0.6, -0.5))
    assert (second.grasp, second.height) == (2, 0.5)
    assert second.target == pytest.approx((0.5, 0.4))


def test_a_fold_that_is_done_is_not_mended():
    folded = FLAT.copy()
    folded[:10] = FLAT[::-1].reshape(5, 5, 3)[:2, ::-1].reshape(10, 3)
    plan = FoldPlan("axis", (0, 2), np.zeros((2, 3)))
    assert plan.next_pick(folded, 2) is None


def test_the_worse_corner_is_mended_first_and_not_for_ever():
    folded = FLAT.copy()
    folded[0] = FLAT[20] + (0.0, 0.2, 0.0)
    folded[4] = FLAT[24] + (0.3, 0.0, 0.0)
    plan = FoldPlan("axis", (0, 2), np.zeros((2, 3)))
    pick = plan.next_pick(folded, 2)
    assert pick.grasp == 2
    assert pick.target == pytest.approx((0.5, 0.5))
    assert plan.next_pick(folded, 2 + plans.MAX_MENDS) is None


def test_usual_folds_are_every_combination():
    made = plans.usual_folds("axis", GRASP_ORDERS["axis"], (0.3, 0.5), (0.0, 0.1))
    assert len(made) == 4 * len(GRASP_ORDERS["axis"])
    assert {(plan.grasps, *plan.leads[0]) for plan in made} >= {
        ((1,), 0.5, 0.1, 0.0),
        ((0, 2), 0.3, 0.0, 0.0),
    }


def test_a_diagonal_fold_passes_its_target_along_the_diagonal():
    (plan,) = plans.usual_folds("diagonal", CORNER_ORDERS["diagonal"], (0.3,), (0.1,))
    assert plan.leads[0, 1:] == pytest.approx([0.1 / 2**0.5] * 2)


def test_usual_drags_begin_with_the_point_farthest_from_its_place():
    pulled = FLAT.copy()
    pulled[0, :2] += (0.4, 0.3)
    drags = plans.usual_drags(pulled, height=0.1, overshoot=1.0)
    assert sorted(drag.grasp for drag in drags) == list(range(NUM_GRASPS))
    assert drags[0].grasp == 0
    assert np.linalg.norm(np.array(drags[0].target) - (-0.5, -0.5)) < 0.1


def test_random_drags_take_every_point_low_and_high():
    rng = np.random.default_rng(0)
    drags = [plans.random_drag(FLAT * 0.5, rng) for _ in range(200)]
    assert {drag.grasp for drag in drags} == set(range(NUM_GRASPS))
    heights = [drag.height for drag in drags]
    assert 0.05 <= min(heights) < 0.1
    assert 0.6 < max(heights) <= 0.8


def test_half_of_the_random_drags_lead_a_point_past_its_place():
    rng = np.random.default_rng(0)
    corner = np.array([-0.25, -0.25])
    drags = [plans.random_drag(FLAT * 0.5, rng) for _ in range(400)]
    away = [np.array(drag.target) - corner for drag in drags if drag.grasp == 0]
    outwards = [d for d in away if d[0] == pytest.approx(d[1]) and 0.2 <= -d[0] <= 0.45]
    assert 0.3 < len(outwards) / len(away) < 0.7


def test_a_drag_from_numbers_never_goes_below_the_table():
    drag = plans.drag_of(3, np.array([-1.0, 0.2, 0.3]))
    assert drag.target == (0.2, 0.3)
    assert drag.height > 0


def test_a_corner_in_its_place_is_not_led_again():
    assert plans.open_orders("axis", FLAT) == list(CORNER_ORDERS["axis"])
    half = FLAT.copy()
    half[0] = FLAT[20] + (0.05, 0.0, 0.0)
    assert plans.open_orders("axis", half) == [(2,)]
    half[4] = FLAT[24]
    assert plans.open_orders("axis", half) == []
