from types import SimpleNamespace

import pytest
import torch

from regard.serving.kernels.block_scaled import build, launch
from regard.serving.kernels.block_scaled.combine import Routed, best_rows, combined_down
from regard.serving.kernels.block_scaled.reference import fp8_linear_reference
from regard.serving.kernels.combine.reference import combine_reference
from tests.serving.kernels.block_scaled.fake_driver import machine
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu", "machine"]

HIDDEN, WIDTH, NUM_EXPERTS, NUM_PARTS = 2048, 384, 3, 3
TOLERANCE = 5e-3


def make_case(device, num_tokens, num_whole, capacity=64):
    """Operands; results of three experts in parts, NaN wherever nobody may read."""
    draw = Draw(device, num_tokens)
    slots = torch.full((num_tokens, 3), -1, dtype=torch.int32, device=device)
    count = min(num_tokens, NUM_EXPERTS * capacity // 2)
    used = torch.randperm(NUM_EXPERTS * capacity, generator=draw.generator, device=device)[:count]
    places = torch.randperm(3 * num_tokens, generator=draw.generator, device=device)[:count]
    slots.view(-1)[places] = used.int()
    parts = nan((NUM_PARTS, NUM_EXPERTS * capacity, HIDDEN), device, torch.bfloat16)
    values = (draw.normal(NUM_PARTS, len(used), HIDDEN) * 20).bfloat16()
    total = torch.zeros(NUM_EXPERTS * capacity, HIDDEN, device=device)
    tiles = HIDDEN // 256
    for row, line in enumerate(used.tolist()):
        whole = min(max(num_whole - line // capacity * tiles, 0), tiles) * 256
        parts[0, line] = values[0, row]
        parts[1:, line, whole:] = values[1:, row, whole:]
        total[line] = parts[:, line].nan_to_num().float().sum(0)
    routed = Routed(parts, slots, draw.uniform(num_tokens, 3), capacity, num_whole)
    return draw.rows(num_tokens, WIDTH), draw.weight(HIDDEN, WIDTH), routed, total


def shared_result(x, weight):
    return fp8_linear_reference(x.values, x.scales, weight.values, weight.scales)


@pytest.mark.gpu
@pytest.mark.parametrize("num_whole", [0, 3, 11, 24, 100])
@pytest.mark.parametrize("num_tokens", [4, 65, 500, 2048])
def test_shared_and_routed_results_are_added(num_tokens, num_whole, gpu):
    x, weight, routed, total = make_case(gpu, num_tokens, num_whole)
    out = nan((num_tokens, HIDDEN), gpu, torch.bfloat16)
    combined_down(x, weight, routed, out)()
    shared = shared_result(x, weight)
    expected = combine_reference(shared, total, routed.slots, routed.shares)
    assert relative_error(out, expected) < TOLERANCE
    # Without the weights of the router, it would not agree.
    flat = combine_reference(shared, total, routed.slots, torch.ones_like(routed.shares))
    assert relative_error(out, flat) > TOLERANCE


@pytest.mark.gpu
@pytest.mark.parametrize("rows", build.ROWS)
def test_every_build_agrees(rows, gpu, monkeypatch):
    monkeypatch.setattr("regard.serving.kernels.block_scaled.combine.best_rows", lambda *_: rows)
    x, weight, routed, total = make_case(gpu, 388, 11)
    out = nan((388, HIDDEN), gpu, torch.bfloat16)
    combined_down(x, weight, routed, out, spare_blocks=4)()
    expected = combine_reference(shared_result(x, weight), total, routed.slots, routed.shares)
    assert relative_error(out, expected) < TOLERANCE


@pytest.mark.gpu
def test_without_routed_experts_it_is_a_down_projection(gpu):
    draw = Draw(gpu)
    x, weight = draw.rows(132, WIDTH), draw.weight(HIDDEN, WIDTH)
    out = nan((132, HIDDEN), gpu, torch.bfloat16)
    combined_down(x, weight, None, out)()
    assert relative_error(out, shared_result(x, weight)) < TOLERANCE


@pytest.mark.parametrize(
    ("num_rows", "rows"),
    # 28 tiles by 16 passes are 7 rounds of 64 pairs; with 160 rows, 2,560 are as well.
    [(2048, 128), (2560, 160), (100, 64)],
)
def test_the_build_with_the_least_work_in_a_row_is_taken(num_rows, rows):
    assert best_rows(num_rows, 28, 64) == rows


def test_a_launch_knows_where_routed_results_stand(machine):
    x, weight, routed, _ = make_case("cpu", 500, 11)
    out = torch.zeros(500, HIDDEN, dtype=torch.bfloat16)
    made = combined_down(x, weight, routed, out)
    task = made.task
    assert made.mode == launch.COMBINE
    assert task.routed == routed.parts.data_ptr()
    assert (task.slots, task.shares) == (routed.slots.data_ptr(), routed.shares.data_ptr())
    found = SimpleNamespace(tiles=task.num_tiles, units=task.num_units, rows=made.rows)
    assert found.units == found.tiles * -(-500 // found.rows)
    assert (task.num_splits, task.num_whole) == (NUM_PARTS, 11)
    assert (task.capacity, task.lines) == (64, 192)


def test_sizes_that_do_not_fit_are_refused(machine):
    x, weight, routed, _ = make_case("cpu", 12, 0)
    with pytest.raises(ValueError, match="a weight of 2048 rows for 1024 columns"):
        combined_down(x, weight, routed, torch.zeros(12, 1024))
    with pytest.raises(ValueError, match=r"slots \(12, 3\) of results"):
        combined_down(x, weight, routed, torch.zeros(16, HIDDEN))
