import pytest
import torch

from regard.serving.kernels import native
from regard.serving.models.attention import PagedAttention, allocate_cache
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.rope import rope_tables
from tests.serving.rows import one_sequence

HEADS, KV_HEADS, DIM = 6, 2, 16


def attend(mode: str, chunks: list[int]) -> torch.Tensor:
    """Attention of 40 random rows of one sequence, fed in chunks."""
    numerics = choose_numerics(mode, "cpu", "auto")
    rope = rope_tables(head_dim=DIM, theta=1e4, scaling=None, max_positions=64)
    layer = PagedAttention(
        num_heads=HEADS, num_kv_heads=KV_HEADS, head_dim=DIM, rope=rope, numerics=numerics
    )
    cache = allocate_cache(
        num_blocks=8,
        block_size=8,
        kv_heads=KV_HEADS,
        head_dim=DIM,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    torch.manual_seed(0)
    qkv = torch.randn(40, (HEADS + 2 * KV_HEADS) * DIM)
    out, start = [], 0
    for size in chunks:
        batch = one_sequence([0] * size, block_size=8, start=start)
        out.append(layer(qkv[start : start + size].clone(), cache, batch))
        start += size
    return torch.cat(out)


def test_native_and_torch_agree_and_chunks_do_not_matter(monkeypatch):
    if not native.is_available():
        pytest.skip(f"no native kernels: {native.why_unavailable()}")
    whole = attend("exact", [40])
    assert torch.equal(attend("exact", [17, 1, 1, 21]), whole)
    monkeypatch.setattr(native, "is_available", lambda: False)
    for mode in ("exact", "fast"):
        assert torch.allclose(attend(mode, [40]), whole, rtol=1e-4, atol=1e-5)
        assert torch.allclose(attend(mode, [17, 1, 1, 21]), whole, rtol=1e-4, atol=1e-5)


def test_a_new_cache_costs_no_memory_until_it_is_used():
    import psutil

    before = psutil.Process().memory_info().rss
    cache = allocate_cache(
        num_blocks=4096,
        block_size=16,
        kv_heads=8,
        head_dim=64,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    assert psutil.Process().memory_info().rss - before < 64 * 2**20
    assert cache.keys[4095].abs().sum() == 0
