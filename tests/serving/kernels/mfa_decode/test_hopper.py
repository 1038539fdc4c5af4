import pytest
import torch

from regard.serving.kernels.mfa_decode import hopper, mfa_decode
from regard.serving.kernels.mfa_decode.reference import mfa_decode_reference
from regard.serving.kernels.mfa_decode.tile_map import TileMap
from tests.serving.kernels.mfa_decode.batches import Batch, relative_error

KINDS = [torch.bfloat16, torch.float8_e4m3fn]
RAGGED = [1, 700, 63, 2049, 64, 65, 4097, 130]
BATCHES = [[1], [63], [64], [65], [4097], RAGGED, [3 * i + 1 for i in range(300)], [9000] * 20]
TOLERANCE = 5e-3


@pytest.fixture
def device():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    device = torch.device("cuda")
    reason = hopper.why_unavailable(device)
    if reason:
        pytest.skip(reason)
    return device


def run(batch, tile_map, *, overlap=False):
    """The kernel's output, from memory that was full of NaN."""
    torch.full_like(batch.queries, torch.nan)
    tile_map.parts.fill_(torch.nan)
    tile_map.part_weights.fill_(torch.nan)
    return mfa_decode(
        batch.queries,
        batch.cache,
        batch.block_table,
        tile_map,
        **batch.factors,
        overlap=overlap,
    )


def expected_of(batch):
    return mfa_decode_reference(
        batch.queries,
        batch.cache,
        batch.block_table,
        batch.lengths,
        **batch.factors,
        dtype=torch.float64,
    )


def test_kernel_says_why_it_cannot_run():
    assert hopper.why_unavailable(torch.device("cpu")) == "cpu is not a CUDA device"


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("lengths", BATCHES, ids=lambda x: f"{len(x)}x{max(x)}")
def test_kernel_agrees_with_float64(lengths, dtype, device):
    batch = Batch(lengths, dtype, device, seed=len(lengths))
    tile_map = TileMap.make(lengths, device)
    expected = expected_of(batch)
    first = run(batch, tile_map)
    assert relative_error(first, expected) < TOLERANCE
    for overlap in (True, False, True):
        assert torch.equal(run(batch, tile_map, overlap=overlap), first)
    assert int(tile_map.arrived.abs().sum()) == 0


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("length", [4096, 32768, 65536])
def test_long_contexts_stay_within_half_a_percent(length, dtype, device):
    batch = Batch([length, length - 1], dtype, device, seed=length)
    out = run(batch, TileMap.make(batch.lengths.tolist(), device))
    assert relative_error(out, expected_of(batch)) < TOLERANCE


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("length", [4096, 32768, 65536])
def test_the_value_of_one_matching_key_comes_back(length, dtype, device):
    batch = Batch([length], dtype, device, seed=length)
    place = length * 5 // 8 + 3
    page = batch.block_table[0, place // 64].long()
    key, value = batch.cache[page, :, place % 64].float()
    batch.queries[:] = (4 * key * batch.k_scale).to(torch.bfloat16)
    out = run(batch, TileMap.make([length], device))
    needle = (value * batch.v_scale).double().expand(1, 64, 256)
    assert relative_error(out, needle) < 1e-2


@pytest.mark.gpu
def test_a_graph_follows_the_tile_map(device):
    lengths = [300, 5000, 64]
    batch = Batch(lengths, torch.float8_e4m3fn, device)
    tile_map = TileMap.make(lengths, device)
    run(batch, tile_map)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = mfa_decode(batch.queries, batch.cache, batch.block_table, tile_map, **batch.factors)
    for shorter in ([1, 4900, 3], [299, 65, 64]):
        tile_map.fill(shorter)
        batch.lengths.copy_(tile_map.lengths)
        out.fill_(torch.nan)
        graph.replay()
        assert relative_error(out, expected_of(batch)) < TOLERANCE


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_a_map_one_token_short_is_seen(dtype, device):
    batch = Batch([65, 33], dtype, device)
    out = run(batch, TileMap.make([64, 32], device))
    assert relative_error(out, expected_of(batch)) > TOLERANCE
