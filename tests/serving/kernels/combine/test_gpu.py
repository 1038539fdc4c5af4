import pytest
import torch

from regard.serving.kernels.block_scaled.reference import fp8_linear_reference
from regard.serving.kernels.combine.reference import combine_reference
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]

HIDDEN, WIDTH = 2048, 384
TOLERANCE = 5e-3


def shared_result(x, weight):
    return fp8_linear_reference(x.values, x.scales, weight.values, weight.scales)


def make_case(device, num_tokens, lines=96):
    """Operands, routes of three choices, most of them elsewhere, and rows that no one may read."""
    draw = Draw(device, num_tokens)
    # The kernel reads scales without padding.
    x = draw.rows(num_tokens, WIDTH)
    x = type(x)(x.values, x.scales.contiguous())
    slots = torch.full((num_tokens, 3), -1, dtype=torch.int32, device=device)
    used = torch.randperm(lines, generator=draw.generator, device=device)[: lines // 2].int()
    places = torch.randperm(3 * num_tokens, generator=draw.generator, device=device)
    places = places[: len(used)]
    slots.view(-1)[places] = used[: len(places)]
    routed = nan((lines, HIDDEN), device, torch.bfloat16)
    routed[used.long()] = draw.normal(len(used), HIDDEN).bfloat16() * 20
    return x, draw.weight(HIDDEN, WIDTH), routed, slots, draw.uniform(num_tokens, 3)


@pytest.mark.gpu
@pytest.mark.parametrize("num_tokens", [1, 63, 64, 65, 500])
def test_shared_and_routed_results_are_added(num_tokens, gpu):
    from regard.serving.kernels.combine.gpu import combine_gpu, describe

    x, weight, routed, slots, shares = make_case(gpu, num_tokens)
    out = nan((num_tokens, HIDDEN), gpu, torch.bfloat16)
    combine_gpu(x, describe(weight.values), weight.scales, routed, slots, shares, out)
    expected = combine_reference(shared_result(x, weight), routed.nan_to_num(), slots, shares)
    assert relative_error(out, expected) < TOLERANCE
    # Without the weights of the router, it would not agree.
    flat = combine_reference(
        shared_result(x, weight), routed.nan_to_num(), slots, torch.ones_like(shares)
    )
    assert relative_error(out, flat) > TOLERANCE


@pytest.mark.gpu
def test_without_routed_experts_it_is_a_down_projection(gpu):
    from regard.serving.kernels.combine.gpu import combine_gpu, describe

    x, weight, _, slots, shares = make_case(gpu, 131)
    out = nan((131, HIDDEN), gpu, torch.bfloat16)
    combine_gpu(x, describe(weight.values), weight.scales, None, slots, shares, out)
    assert relative_error(out, shared_result(x, weight)) < TOLERANCE


@pytest.mark.gpu
@pytest.mark.parametrize("num_whole", [0, 3, 8, 11, 24, 100])
def test_only_cut_tiles_of_rows_that_count_are_folded(num_whole, gpu):
    from regard.serving.kernels.combine.gpu import fold_parts

    capacity, counts = 8, [5, 0, 8]
    # Whole numbers whose sums bfloat16 has exactly.
    parts = (Draw(gpu, num_whole).normal(3, 3 * capacity, HIDDEN) * 10).round().clamp(-80, 80)
    parts = parts.bfloat16()
    expected = parts.clone()
    tiles = HIDDEN // 256
    for expert, count in enumerate(counts):
        begin = min(max(num_whole - expert * tiles, 0), tiles) * 256
        here = slice(expert * capacity, expert * capacity + count)
        expected[0, here, begin:] = parts[:, here, begin:].float().sum(0).bfloat16()
    fold_parts(parts, torch.tensor(counts, dtype=torch.int32, device=gpu), capacity, num_whole)
    assert torch.equal(parts, expected)


@pytest.mark.gpu
@pytest.mark.parametrize("num_whole", [0, 5, 100])
def test_results_with_the_parts_of_cut_tiles_are_added_to_their_tokens(num_whole, gpu):
    from regard.serving.kernels.combine.gpu import add_routed

    draw, capacity, columns = Draw(gpu, num_whole), 3, 1024
    parts = draw.normal(3, 3 * capacity, columns).bfloat16()
    out = draw.normal(6, columns).bfloat16()
    slots = torch.tensor(
        [[-1, -1, -1], [0, -1, 3], [-1, 8, -1], [1, 2, 4], [-1, -1, 5], [-1, -1, -1]],
        dtype=torch.int32, device=gpu,
    )  # fmt: skip
    shares, before, routed = draw.uniform(6, 3), out.clone(), parts[0].float()
    tiles = columns // 256
    for expert in range(3):
        begin = min(max(num_whole - expert * tiles, 0), tiles) * 256
        here = slice(expert * capacity, (expert + 1) * capacity)
        routed[here, begin:] = parts[:, here, begin:].float().sum(0)
        # Whole tiles have one part: no one may read what stands in the others.
        parts[1:, here, :begin] = torch.nan
    add_routed(out, parts, slots, shares, capacity, num_whole)
    assert relative_error(out, combine_reference(before, routed, slots, shares)) < TOLERANCE
    assert torch.equal(out[[0, 5]], before[[0, 5]])
