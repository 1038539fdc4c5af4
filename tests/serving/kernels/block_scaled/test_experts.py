from dataclasses import dataclass

import pytest
import torch

from regard.serving.kernels.block_scaled.experts import (
    Cut,
    Owned,
    Tokens,
    Window,
    filling,
    gated_linear,
    routed_down,
    whole_down,
)
from regard.serving.kernels.block_scaled.launch import Rows, Weight
from regard.serving.kernels.block_scaled.reference import (
    dequantise_rows,
    fp8_linear_reference,
    gated_linear_reference,
    quantise_rows,
)
from regard.serving.kernels.routing.reference import Dispatch, dispatch_reference
from tests.serving.kernels.block_scaled.fake_driver import machine
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu", "machine"]

HIDDEN, WIDTH, SHARED = 2048, 640, 384
NUM_OWNED = 3
TOLERANCE = 1e-2


@dataclass
class Case:
    """One layer's share: operands, and where tokens go."""

    everyone: Rows
    dispatch: Dispatch
    owned: Owned
    gated: Weight
    down: Weight


def make_case(draw, num_tokens, capacity, num_experts=48):
    everyone = draw.rows(num_tokens, HIDDEN)
    chosen = draw.uniform(num_tokens, num_experts).topk(3, dim=1)[1].int()
    dispatch = dispatch_reference(chosen, 16, NUM_OWNED, capacity)
    order = dispatch.order.flatten().long()
    rows = Rows(everyone.values[order].contiguous(), everyone.scales[:, order].contiguous())
    return Case(
        everyone,
        dispatch,
        Owned(rows, dispatch.counts),
        draw.weight(2 * (NUM_OWNED * WIDTH + SHARED), HIDDEN),
        draw.weight(NUM_OWNED * HIDDEN, WIDTH),
    )


def empty(num_rows, columns, device):
    padded = -(-num_rows // 4) * 4
    scales = torch.full((columns // 128, padded), torch.nan, device=device)
    values = nan((num_rows, columns), device, torch.float8_e4m3fn)
    return Rows(values, scales[:, :num_rows])


def of_expert(rows, expert, case):
    """The dequantised rows that an expert's tokens have."""
    begin = expert * case.owned.capacity
    end = begin + int(case.dispatch.counts[expert])
    return dequantise_rows(rows.values[begin:end], rows.scales[:, begin:end])


def test_the_room_of_an_expert_is_an_equal_share():
    owned = Owned(Draw("cpu").rows(12, 128), torch.zeros(3, dtype=torch.int32))
    assert (owned.num_experts, owned.capacity) == (3, 4)
    none = Owned(owned.rows, owned.counts[:0])
    assert none.num_experts == 0


@pytest.fixture
def small():
    draw = Draw("cpu")
    return make_case(draw, 40, 64)


def prepare_gated(case, weight, cut):
    lines, tokens = len(case.owned.rows.values), len(case.everyone.values)
    routed, shared = empty(lines, WIDTH, "cpu"), empty(tokens, SHARED, "cpu")
    return gated_linear(case.everyone, case.owned, weight, routed, shared, cut)


def test_a_weight_without_the_shared_expert_is_refused(small):
    weight = Weight(small.gated.values[: 2 * NUM_OWNED * WIDTH], small.gated.scales)
    with pytest.raises(ValueError, match="3840 rows; the experts need 4608"):
        prepare_gated(small, weight, Cut(128, num_whole=66))


@pytest.mark.parametrize(
    ("outer", "parts", "message"), [(1024, 3, "6144 rows for 3 x 1024"), (HIDDEN, 4, "4 parts")]
)
def test_down_sizes_that_do_not_fit_are_named(small, outer, parts, message):
    lines = len(small.owned.rows.values)
    hidden, out = empty(lines, WIDTH, "cpu"), torch.zeros(parts, lines, outer)
    with pytest.raises(ValueError, match=message):
        routed_down(hidden, small.owned, small.down, out, Cut(128, num_whole=10))


def test_the_tasks_of_the_experts_name_their_sizes(small, machine):
    made = prepare_gated(small, small.gated, Cut(128, num_whole=66, spare_blocks=4))
    task, lines = made.task, len(small.owned.rows.values)
    assert (task.num_rows, task.num_experts, task.capacity) == (40, 3, 64)
    assert (task.width, task.shared_width, task.num_blocks) == (WIDTH, SHARED, HIDDEN // 128)
    assert (task.scale_stride, task.shared_scale_stride) == (lines, 40)
    assert (made.rows, made.num_blocks) == (128, 128)
    out = torch.zeros(3, lines, HIDDEN)
    made = routed_down(empty(lines, WIDTH, "cpu"), small.owned, small.down, out, Cut(128, 10))
    task = made.task
    assert (task.num_tiles, task.num_whole, task.num_splits) == (HIDDEN // 256, 10, 3)
    assert (task.blocks_a_split, task.outer, task.lines) == (2, HIDDEN, lines)


CASES = [
    # Tokens, capacity, cut; with 64 rows the experts take several passes.
    (2048, 480, Cut(192, num_whole=10)),
    (2560, 576, Cut(192, num_whole=10, spare_blocks=4)),
    (2048, 480, Cut(128, num_whole=7)),
    (500, 128, Cut(128, num_whole=0)),
    (37, 64, Cut(128, num_whole=1000)),
    (2048, 480, Cut(64, num_whole=7)),
]


@pytest.mark.gpu
@pytest.mark.parametrize(("num_tokens", "capacity", "cut"), CASES, ids=lambda x: str(x)[:24])
def test_gated_experts_agree_with_the_reference(num_tokens, capacity, cut, gpu):
    case = make_case(Draw(gpu, num_tokens), num_tokens, capacity)
    routed = empty(len(case.owned.rows.values), WIDTH, gpu)
    shared = empty(num_tokens, SHARED, gpu)
    gated_linear(case.everyone, case.owned, case.gated, routed, shared, cut)()
    counts = case.dispatch.counts.tolist()
    tokens = [order[:n] for order, n in zip(case.dispatch.order, counts, strict=True)]
    split = 2 * NUM_OWNED * WIDTH
    x, w = case.everyone, case.gated
    expected = gated_linear_reference(
        x.values, x.scales, w.values[:split], w.scales[: split // 128], tokens
    )
    (own,) = gated_linear_reference(
        x.values,
        x.scales,
        w.values[split:],
        w.scales[split // 128 :],
        [torch.arange(num_tokens, device=gpu)],
    )
    for expert, rows in enumerate(expected):
        if len(rows):
            rounded = dequantise_rows(*quantise_rows(rows))
            assert relative_error(of_expert(routed, expert, case), rounded) < TOLERANCE
    rounded = dequantise_rows(*quantise_rows(own))
    assert relative_error(dequantise_rows(shared.values, shared.scales), rounded) < TOLERANCE


@pytest.mark.gpu
def test_rows_without_a_token_are_left_alone(gpu):
    case = make_case(Draw(gpu), 500, 128)
    routed, shared = empty(3 * 128, WIDTH, gpu), empty(500, SHARED, gpu)
    gated_linear(case.everyone, case.owned, case.gated, routed, shared, Cut(128, num_whole=0))()
    for expert, count in enumerate(case.dispatch.counts.tolist()):
        rest = slice(expert * 128 + count, (expert + 1) * 128)
        assert routed.values[rest].float().isnan().all()
        assert routed.scales[:, rest].isnan().all()


@pytest.mark.gpu
def test_a_dense_layer_has_the_shared_expert_alone(gpu):
    draw = Draw(gpu)
    everyone, weight = draw.rows(301, HIDDEN), draw.weight(2 * 1152, HIDDEN)
    owned = Owned(draw.rows(384, HIDDEN), torch.zeros(0, dtype=torch.int32, device=gpu))
    routed, out = empty(384, WIDTH, gpu), empty(301, 1152, gpu)
    gated_linear(everyone, owned, weight, routed, out, Cut(128, num_whole=66))()
    operands = (everyone.values, everyone.scales, weight.values, weight.scales)
    (expected,) = gated_linear_reference(*operands, [torch.arange(301, device=gpu)])
    rounded = dequantise_rows(*quantise_rows(expected))
    assert relative_error(dequantise_rows(out.values, out.scales), rounded) < TOLERANCE


@pytest.mark.gpu
@pytest.mark.parametrize(("num_tokens", "capacity", "cut"), CASES, ids=lambda x: str(x)[:24])
def test_down_projections_agree_with_the_reference(num_tokens, capacity, cut, gpu):
    draw = Draw(gpu, num_tokens)
    case = make_case(draw, num_tokens, capacity)
    lines = NUM_OWNED * case.owned.capacity
    hidden = draw.rows(lines, WIDTH)
    out = nan((3, lines, HIDDEN), gpu, torch.bfloat16)
    routed_down(hidden, case.owned, case.down, out, cut)()
    tiles = HIDDEN // 256
    for expert, count in enumerate(case.dispatch.counts.tolist()):
        here = slice(expert * case.owned.capacity, expert * case.owned.capacity + count)
        whole = min(max(cut.num_whole - expert * tiles, 0), tiles) * 256
        # Tiles that are not cut stand in the first part; the rest is a sum over all parts.
        assert out[1:, here, :whole].isnan().all()
        found = torch.cat((out[0, here, :whole], out[:, here, whole:].float().sum(0)), dim=1)
        expected = fp8_linear_reference(
            hidden.values[here],
            hidden.scales[:, here],
            case.down.values[expert * HIDDEN : (expert + 1) * HIDDEN],
            case.down.scales[expert * HIDDEN // 128 : (expert + 1) * HIDDEN // 128],
        )
        if count:
            assert relative_error(found, expected) < TOLERANCE
        behind = slice(here.stop, (expert + 1) * case.owned.capacity)
        assert out[:, behind].isnan().all()


def prepare_whole(draw, num_tokens, device):
    x, weight = draw.rows(num_tokens, SHARED), draw.weight(HIDDEN, SHARED)
    count = torch.tensor([num_tokens], dtype=torch.int32, device=device)
    out = nan((num_tokens, HIDDEN), device, torch.bfloat16)
    expected = fp8_linear_reference(x.values, x.scales, weight.values, weight.scales)
    return whole_down(x, count, weight, out, Cut(128, num_whole=0)), out, expected


def test_no_tile_of_an_expert_with_all_tokens_is_cut(machine):
    task = prepare_whole(Draw("cpu"), 40, "cpu")[0].task
    assert (task.num_experts, task.capacity, task.num_splits) == (1, 40, 1)
    assert task.num_whole >= task.num_tiles == HIDDEN // 256


@pytest.mark.gpu
@pytest.mark.parametrize("num_tokens", [1, 301])
def test_an_expert_with_all_tokens_agrees_with_the_reference(num_tokens, gpu):
    launch, out, expected = prepare_whole(Draw(gpu, num_tokens), num_tokens, gpu)
    launch()
    assert relative_error(out, expected) < TOLERANCE


@pytest.mark.gpu
def test_another_experts_weight_would_be_noticed(gpu):
    draw = Draw(gpu)
    case = make_case(draw, 500, 128)
    hidden, out = draw.rows(384, WIDTH), nan((3, 384, HIDDEN), gpu, torch.bfloat16)
    routed_down(hidden, case.owned, case.down, out, Cut(128, num_whole=0))()
    n = int(case.dispatch.counts[0])
    wrong = fp8_linear_reference(
        hidden.values[:n],
        hidden.scales[:, :n],
        case.down.values[HIDDEN : 2 * HIDDEN],
        case.down.scales[HIDDEN // 128 : 2 * HIDDEN // 128],
    )
    assert relative_error(out[:, :n].float().sum(0), wrong) > 10 * TOLERANCE


def make_pool(draw, count, device):
    """Pooled tokens, and as many places that are full of NaN."""
    integers = torch.arange(count * 3, device=device, dtype=torch.int32).view(count, 3)
    pool = Tokens(draw.rows(count, HIDDEN), integers, draw.uniform(count, 3))
    places = Tokens(
        empty(count, HIDDEN, device), torch.full_like(integers, -7), nan((count, 3), device)
    )
    return pool, places


def test_a_launch_that_fills_leaves_the_other_one_as_it_was(small, machine):
    pool, places = make_pool(Draw("cpu"), 24, "cpu")
    plain = prepare_gated(small, small.gated, Cut(128, num_whole=66))
    made = filling(plain, pool, Window(torch.tensor([5]), 9), places, 4)
    assert plain.task.fill_count == 0
    task = made.task
    assert (task.pool_rows, task.fill_count, task.fill_first) == (24, 20, 4)
    assert task.fill_salt == 9
    assert task.fill == places.rows.values.data_ptr()
    assert (task.out, task.counts) == (plain.task.out, plain.task.counts)


@pytest.mark.gpu
@pytest.mark.parametrize(("step", "salt"), [(1, 0), (7, 182), (10**6, 5)])
def test_idle_warps_copy_a_window_of_the_pool(step, salt, gpu):
    draw = Draw(gpu, salt)
    case = make_case(draw, 500, 128)
    routed, shared = empty(3 * 128, WIDTH, gpu), empty(500, SHARED, gpu)
    cut = Cut(128, num_whole=0, spare_blocks=4)
    gated = gated_linear(case.everyone, case.owned, case.gated, routed, shared, cut)
    gated()
    expected = dequantise_rows(shared.values, shared.scales)
    shared.values.fill_(torch.nan)
    count, first = 2000, 128
    pool, places = make_pool(draw, count, gpu)
    window = Window(torch.tensor([step], device=gpu), salt)
    filling(gated, pool, window, places, first)()
    start = ((step * 2654435761 + salt * 40503) & 0x7FFFFFFF) % count
    source = (start + torch.arange(count - first, device=gpu)) % count
    found = dequantise_rows(places.rows.values, places.rows.scales)
    wanted = dequantise_rows(pool.rows.values, pool.rows.scales)
    assert torch.equal(found[first:], wanted[source])
    assert found[:first].isnan().all()
    assert torch.equal(places.chosen[first:], pool.chosen[source])
    assert torch.equal(places.shares[first:], pool.shares[source])
    assert torch.equal(dequantise_rows(shared.values, shared.scales), expected)
