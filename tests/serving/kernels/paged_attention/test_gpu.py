import pytest
import torch

from regard.serving.kernels.paged_attention.reference import (
    append,
    paged_attention_reference,
    rotate,
)
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]

CASES = [(9, 3, 64, 16), (32, 8, 128, 64), (8, 1, 256, 32), (6, 2, 40, 128)]
LENGTHS = [1, 17, 700, 2049, 64]
NUM_BLOCKS = 700


def pages(kv_heads, dim, page, device):
    keys = torch.randn(NUM_BLOCKS, kv_heads, dim, page, device=device).bfloat16()
    return keys, torch.randn(NUM_BLOCKS, kv_heads, page, dim, device=device).bfloat16()


@pytest.mark.gpu
@pytest.mark.parametrize("num_splits", [None, 1, 8])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_decode_agrees_with_the_reference(case, num_splits, gpu):
    from regard.serving.kernels.paged_attention.gpu import paged_decode_gpu

    heads, kv_heads, dim, page = case
    torch.manual_seed(dim)
    caches = pages(kv_heads, dim, page, gpu)
    width = -(-max(LENGTHS) // page)
    tables = torch.randperm(NUM_BLOCKS, device=gpu)[: 5 * width].view(5, width).int()
    qkv = torch.randn(5, heads + 2 * kv_heads, dim, device=gpu).bfloat16()
    queries = qkv[:, :heads]
    sequence, contexts = torch.arange(5, device=gpu), torch.tensor(LENGTHS, device=gpu)
    out = paged_decode_gpu(
        queries, *caches, tables, sequence, contexts, dim**-0.5, num_splits=num_splits
    )
    exact = paged_attention_reference(
        queries.double(), *caches, tables, sequence, contexts, dim**-0.5
    )
    assert relative_error(out, exact) < 4e-3


@pytest.mark.gpu
@pytest.mark.parametrize("num_splits", [1, 4])
def test_a_row_without_context_is_zero(num_splits, gpu):
    from regard.serving.kernels.paged_attention.gpu import paged_decode_gpu

    caches = pages(8, 128, 64, gpu)
    queries = torch.randn(2, 32, 128, device=gpu).bfloat16()
    tables = torch.zeros(2, 1, dtype=torch.int32, device=gpu)
    lines, contexts = torch.arange(2, device=gpu), torch.tensor([0, 5], device=gpu)
    out = paged_decode_gpu(queries, *caches, tables, lines, contexts, 0.1, num_splits=num_splits)
    assert not out[0].any()
    assert out[1].isfinite().all()
    assert out[1].any()


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=str)
def test_rope_and_append_equal_the_reference_and_spare_padding(case, gpu):
    from regard.serving.kernels.paged_attention.gpu import rope_append_gpu

    heads, kv_heads, dim, page = case
    torch.manual_seed(dim)
    qkv = torch.randn(5, (heads + 2 * kv_heads) * dim, device=gpu).bfloat16()
    angles = torch.outer(torch.arange(64.0), torch.rand(dim // 2)).to(gpu)
    rope = (angles.cos().contiguous(), angles.sin().contiguous())
    positions = torch.tensor([0, 3, 17, 63, 1], device=gpu)
    slots = torch.tensor([5, 17, -1, 3 * page, 2], device=gpu)
    caches = pages(kv_heads, dim, page, gpu)
    expected = [cache.clone() for cache in caches]
    queries, keys, values = qkv.view(5, -1, dim).split([heads, kv_heads, kv_heads], dim=1)
    cos, sin = rope[0][positions], rope[1][positions]
    written = slots >= 0
    rotated = rotate(keys.float(), cos, sin)[written]
    append(rotated, values[written], *expected, slots[written])
    expected_queries = rotate(queries.float(), cos, sin).bfloat16()
    rope_append_gpu(qkv, rope, positions, slots, *caches)
    assert torch.equal(caches[1], expected[1])
    assert relative_error(caches[0], expected[0]) < 1e-3
    assert relative_error(qkv.view(5, -1, dim)[:, :heads], expected_queries) < 1e-3
