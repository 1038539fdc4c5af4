import pytest
import torch

from regard.serving.kernels import native
from regard.serving.kernels.paged_attention import cpu
from regard.serving.kernels.paged_attention.batched import paged_attention_batched
from regard.serving.kernels.paged_attention.reference import (
    append,
    paged_attention_reference,
    rotate,
)

needs_native = pytest.mark.skipif(
    not native.is_available(), reason=f"no native kernels: {native.why_unavailable()}"
)
CASES = [(9, 3, 64, 16), (4, 4, 8, 8), (8, 1, 256, 16), (6, 2, 40, 32)]


class Paged:
    """Random pages of three sequences, unused slots NaN, and the rows of a mixed batch."""

    def __init__(self, heads: int, kv_heads: int, dim: int, block_size: int) -> None:
        torch.manual_seed(dim)
        self.lengths = [1, block_size, 3 * block_size + 5]
        self.heads, self.scale = heads, dim**-0.5
        self.keys = [torch.randn(n, kv_heads, dim) for n in self.lengths]
        self.values = [torch.randn(n, kv_heads, dim) for n in self.lengths]
        self.k_cache = torch.full((16, kv_heads, dim, block_size), torch.nan)
        self.v_cache = torch.full((16, kv_heads, block_size, dim), torch.nan)
        blocks = torch.randperm(16)[:12].view(3, 4).to(torch.int32)
        self.block_tables = blocks
        for line, length in enumerate(self.lengths):
            at = torch.arange(length)
            slots = blocks[line, at // block_size].long() * block_size + at % block_size
            append(self.keys[line], self.values[line], self.k_cache, self.v_cache, slots)
        self.sequence = torch.tensor([0, 1, 1, 2, 2, 2])
        self.contexts = torch.tensor(
            [1, block_size - 1, block_size, 2, block_size + 1, self.lengths[2]]
        )
        self.queries = torch.randn(6, heads, dim)

    def arguments(self, rows: slice = slice(None)) -> tuple:
        tables, sequence, contexts = self.block_tables, self.sequence[rows], self.contexts[rows]
        return self.k_cache, self.v_cache, tables, sequence, contexts, self.scale

    def expected(self) -> torch.Tensor:
        """Plain attention in float64 over the unpaged keys."""
        group = self.heads // self.keys[0].shape[1]
        out = []
        for row, (line, context) in enumerate(
            zip(self.sequence.tolist(), self.contexts.tolist(), strict=True)
        ):
            keys = self.keys[line][:context].double().repeat_interleave(group, 1)
            values = self.values[line][:context].double().repeat_interleave(group, 1)
            scores = torch.einsum("hd,chd->hc", self.queries[row].double(), keys) * self.scale
            out.append(torch.einsum("hc,chd->hd", scores.softmax(-1), values).reshape(-1))
        return torch.stack(out)


def native_attention(queries, *arguments):
    *caches, scale = arguments
    return cpu.paged_attention(queries.flatten(1), queries.shape[1], *caches, scale)


IMPLEMENTATIONS = [
    pytest.param(paged_attention_reference, id="reference"),
    pytest.param(paged_attention_batched, id="batched"),
    pytest.param(native_attention, id="native", marks=needs_native),
]


@pytest.mark.parametrize("attend", IMPLEMENTATIONS)
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_float64(attend, case):
    paged = Paged(*case)
    if attend is paged_attention_batched:
        # It reads whole pages and masks; the engine's pages start as zeros.
        paged.k_cache.nan_to_num_(0.0)
        paged.v_cache.nan_to_num_(0.0)
    out = attend(paged.queries, *paged.arguments())
    reference = paged.expected()
    assert ((out - reference).norm() / reference.norm()).item() < 2e-6


@pytest.mark.parametrize("attend", [IMPLEMENTATIONS[0], IMPLEMENTATIONS[2]])
def test_a_row_does_not_depend_on_its_neighbours(attend):
    paged = Paged(9, 3, 64, 16)
    together = attend(paged.queries, *paged.arguments())
    for row in range(6):
        one = slice(row, row + 1)
        assert torch.equal(attend(paged.queries[one], *paged.arguments(one))[0], together[row])


@needs_native
@pytest.mark.parametrize("case", CASES)
def test_native_rope_and_append_equal_the_reference(case):
    heads, kv_heads, dim, block_size = case
    torch.manual_seed(1)
    qkv = torch.randn(5, (heads + 2 * kv_heads) * dim)
    angles = torch.outer(torch.arange(64.0), torch.rand(dim // 2))
    rope = (angles.cos().contiguous(), angles.sin().contiguous())
    positions = torch.tensor([0, 3, 17, 63, 1])
    slots = torch.randperm(4 * block_size)[:5]
    caches = [torch.zeros(4, kv_heads, dim, block_size), torch.zeros(4, kv_heads, block_size, dim)]
    expected_caches = [cache.clone() for cache in caches]
    split = qkv.view(5, -1, dim).split([heads, kv_heads, kv_heads], dim=1)
    cos, sin = rope[0][positions], rope[1][positions]
    append(rotate(split[1], cos, sin), split[2], *expected_caches, slots)
    expected_queries = rotate(split[0], cos, sin).flatten(1)
    cpu.rope_append(qkv, rope, positions, slots, *caches)
    assert torch.allclose(qkv[:, : heads * dim], expected_queries, rtol=1e-5, atol=1e-6)
    for cache, expected in zip(caches, expected_caches, strict=True):
        assert torch.allclose(cache, expected, rtol=1e-5, atol=1e-6)
