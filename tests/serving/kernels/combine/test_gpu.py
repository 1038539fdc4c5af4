import pytest
import torch

from regard.serving.kernels.combine.reference import combine_reference
from regard.serving.kernels.routing.reference import Dispatch, dispatch_reference
from tests.serving.kernels.block_scaled.operands import Draw
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]

TOLERANCE = 5e-3
COLUMNS, CAPACITY, OWNED = 2048, 40, 3


def make_dispatch(device, num_tokens, seed):
    """Routes to 12 experts of four GPUs; some tokens have two or three experts of the same GPU."""
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.rand(num_tokens, 12, generator=draw).topk(3).indices.int()
    found = dispatch_reference(chosen, 4, OWNED, CAPACITY)
    return Dispatch(*(each.int().to(device) for each in found))


@pytest.mark.gpu
@pytest.mark.parametrize("num_whole", [0, 11, 100])
@pytest.mark.parametrize("num_tokens", [1, 97])
def test_results_with_the_parts_of_cut_tiles_are_added_to_their_tokens(num_tokens, num_whole, gpu):
    from regard.serving.kernels.combine.gpu import add_routed

    draw, dispatch = Draw(gpu, num_whole), make_dispatch(gpu, num_tokens, num_whole)
    parts = draw.normal(3, OWNED * CAPACITY, COLUMNS).bfloat16()
    out, shares = draw.normal(num_tokens, COLUMNS).bfloat16(), draw.uniform(num_tokens, 3)
    before, routed = out.clone(), parts[0].float()
    tiles = COLUMNS // 256
    for expert in range(OWNED):
        begin = min(max(num_whole - expert * tiles, 0), tiles) * 256
        here = slice(expert * CAPACITY, (expert + 1) * CAPACITY)
        routed[here, begin:] = parts[:, here, begin:].float().sum(0)
        # Whole tiles have one part: no one may read what stands in the others, or behind the last.
        parts[1:, here, :begin] = torch.nan
        parts[:, expert * CAPACITY + int(dispatch.counts[expert]) : here.stop] = torch.nan
    add_routed(out, parts, dispatch, shares, num_whole)
    expected = combine_reference(before, routed, dispatch.slots, shares)
    assert relative_error(out, expected) < TOLERANCE
    nothing = (dispatch.slots < 0).all(dim=1)
    assert torch.equal(out[nothing], before[nothing])
    if num_tokens > 1:
        assert nothing.any()
        assert ((dispatch.slots >= 0).sum(dim=1) > 1).any()
        without = combine_reference(before, routed, dispatch.slots, torch.ones_like(shares))
        assert relative_error(out, without) > TOLERANCE
