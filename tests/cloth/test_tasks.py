"""Success and failure of each task, on both sides of every criterion."""

import pytest

from regard.cloth import mesh, metrics, tasks
from regard.cloth.errors import ClothError

SIZE = 0.3


def folded(task):
    start = mesh.flat_positions(9, SIZE)
    positions = start.copy()
    pairs = metrics.fold_map(task.fold, 9)
    positions[pairs.moving] = positions[pairs.base]
    return positions, start, pairs


@pytest.mark.parametrize("task", [tasks.FOLD_DIAGONAL, tasks.FOLD_AXIS])
def test_a_perfect_fold_succeeds_and_flat_cloth_does_not(task):
    positions, start, _ = folded(task)
    assert task.judge(positions, start, SIZE).is_success
    assert not task.judge(start, start, SIZE).is_success


@pytest.mark.parametrize("task", [tasks.FOLD_DIAGONAL, tasks.FOLD_AXIS])
@pytest.mark.parametrize(("lift", "is_success"), [(0.149, True), (0.151, False)])
def test_the_halves_may_be_so_far_apart(task, lift, is_success):
    positions, start, pairs = folded(task)
    positions[pairs.moving, 2] += lift * SIZE
    assert task.judge(positions, start, SIZE).is_success == is_success


@pytest.mark.parametrize(("shift", "is_success"), [(0.166, True), (0.168, False)])
def test_each_corner_must_be_near(shift, is_success):
    positions, start, pairs = folded(tasks.FOLD_AXIS)
    positions[pairs.moving[pairs.corner_pairs[1]], 0] += shift * SIZE
    assert tasks.FOLD_AXIS.judge(positions, start, SIZE).is_success == is_success


@pytest.mark.parametrize(("shift", "is_success"), [(0.069, True), (0.071, False)])
def test_the_base_must_stay(shift, is_success):
    positions, start, _ = folded(tasks.FOLD_AXIS)
    positions[:, 1] += shift * SIZE
    assert tasks.FOLD_AXIS.judge(positions, start, SIZE).is_success == is_success


@pytest.mark.parametrize(("width", "is_success"), [(0.87, True), (0.83, False)])
def test_flat_means_0_85_covered(width, is_success):
    start = mesh.flat_positions(9, SIZE)
    judgement = tasks.FLATTEN.judge(start * (width, 1, 1), start, SIZE)
    assert judgement.is_success == is_success
    assert judgement.performance == judgement.figures["coverage"] == pytest.approx(width, abs=0.02)


def test_an_unknown_task_is_refused_with_the_choices():
    with pytest.raises(ClothError, match=r"'knot'.*fold-diagonal, fold-axis, flatten"):
        tasks.task_of("knot")
