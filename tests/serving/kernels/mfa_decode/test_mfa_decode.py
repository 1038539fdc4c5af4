import pytest
import torch

from regard.serving.kernels.mfa_decode import hopper, mfa_decode
from regard.serving.kernels.mfa_decode.reference import mfa_decode_reference
from regard.serving.kernels.mfa_decode.tile_map import TileMap
from tests.serving.kernels.mfa_decode.batches import Batch

CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn], ids=str)
def test_reference_is_attention_over_each_sequences_own_tokens(dtype):
    batch = Batch([1, 63, 64, 65, 200], dtype, CPU)
    out = mfa_decode_reference(
        batch.queries, batch.cache, batch.block_table, batch.lengths, **batch.factors
    )
    for sequence, length in enumerate(batch.lengths.tolist()):
        rows = []
        for token in range(length):
            page = batch.block_table[sequence, token // 64]
            rows.append(batch.cache[page, :, token % 64].double())
        keys, values = torch.stack(rows, 1)
        scores = batch.queries[sequence].double() @ (keys * batch.k_scale).T * batch.scale
        expected = scores.softmax(-1) @ (values * batch.v_scale)
        assert (out[sequence].double() - expected).norm() < 4e-3 * expected.norm()


def test_without_a_hopper_gpu_the_reference_answers():
    batch = Batch([5, 70], torch.bfloat16, CPU)
    tile_map = TileMap.make([5, 70], CPU)
    out = mfa_decode(batch.queries, batch.cache, batch.block_table, tile_map, **batch.factors)
    expected = mfa_decode_reference(
        batch.queries, batch.cache, batch.block_table, batch.lengths, **batch.factors
    )
    assert torch.equal(out, expected)
    assert "not a CUDA device" in str(hopper.why_unavailable(CPU))


def test_on_hopper_the_kernel_is_called(monkeypatch):
    calls = []
    monkeypatch.setattr(hopper, "why_unavailable", lambda device: None)
    monkeypatch.setattr(hopper, "mfa_decode_hopper", lambda *_, **options: calls.append(options))
    batch = Batch([5, 70], torch.bfloat16, CPU)
    tile_map = TileMap.make([5, 70], CPU)
    mfa_decode(
        batch.queries, batch.cache, batch.block_table, tile_map, **batch.factors, overlap=True
    )
    assert calls == [{**batch.factors, "overlap": True}]


def test_wrong_arguments_are_named():
    batch = Batch([5, 70], torch.bfloat16, CPU)
    tile_map = TileMap.make([5, 70], CPU)
    good = {
        "queries": batch.queries,
        "cache": batch.cache,
        "block_table": batch.block_table,
        "tile_map": tile_map,
    }
    for name, value, message in (
        ("queries", batch.queries[:, :32], r"queries has shape \(2, 32, 256\)"),
        ("queries", batch.queries.half(), "queries is torch.float16; give torch.bfloat16"),
        ("cache", batch.cache.transpose(0, 1), "cache has shape"),
        ("cache", batch.cache.float(), "give torch.bfloat16 or torch.float8_e4m3fn"),
        ("block_table", batch.block_table.long(), "give torch.int32"),
        ("block_table", batch.block_table.T.contiguous().T, "not contiguous"),
        ("tile_map", TileMap.make([5], CPU), "a tile map of 1"),
    ):
        with pytest.raises(ValueError, match=message):
            mfa_decode(**{**good, name: value}, **batch.factors)
