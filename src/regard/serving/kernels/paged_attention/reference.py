"""The specification: rotary embedding, KV append and causal attention over pages, row by row."""

import torch
from torch import Tensor


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate NeoX halves: x (rows, heads, dim); cos, sin (rows, dim / 2)."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def append(keys: Tensor, values: Tensor, k_cache: Tensor, v_cache: Tensor, slots: Tensor) -> None:
    """Write rows of keys and values (rows, kv_heads, dim) into their slots.

    Key pages are (blocks, kv_heads, dim, block_size), value pages (blocks, kv_heads, block_size,
    dim); a slot is block * block_size + offset.
    """
    block_size = v_cache.shape[2]
    block, offset = slots // block_size, slots % block_size
    k_cache[block, :, :, offset] = keys.to(k_cache.dtype)
    v_cache[block, :, offset] = values.to(v_cache.dtype)


def gather(k_cache: Tensor, v_cache: Tensor, blocks: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """The first `context` keys and values of one sequence, each (kv_heads, context, dim)."""
    num_heads, dim = k_cache.shape[1:3]
    keys = k_cache[blocks].permute(1, 0, 3, 2).reshape(num_heads, -1, dim)
    values = v_cache[blocks].transpose(0, 1).reshape(num_heads, -1, dim)
    return keys[:, :context], values[:, :context]


def paged_attention_reference(
    queries: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_tables: Tensor,
    sequence: Tensor,
    contexts: Tensor,
    scale: float,
) -> Tensor:
    """Attention of each row over the first contexts[row] tokens of its sequence.

    Each row is worked alone, so its result does not depend on the rest of the batch.

    Args:
        queries: (rows, heads, dim).
        k_cache: (blocks, kv_heads, dim, block_size).
        v_cache: (blocks, kv_heads, block_size, dim).
        block_tables: (sequences, width) block ids.
        sequence: (rows,) the row's line in block_tables.
        contexts: (rows,) tokens visible to the row, at least 1.
        scale: factor on the scores.

    Returns:
        (rows, heads * dim) in the dtype of the queries.
    """
    rows, heads, dim = queries.shape
    kv_heads, block_size = v_cache.shape[1:3]
    out = torch.empty(rows, heads * dim, dtype=queries.dtype, device=queries.device)
    for row, (line, context) in enumerate(zip(sequence.tolist(), contexts.tolist(), strict=True)):
        blocks = block_tables[line, : -(-context // block_size)].long()
        keys, values = gather(k_cache, v_cache, blocks, context)
        query = queries[row].view(kv_heads, heads // kv_heads, dim).float()
        weights = torch.softmax(query @ keys.float().transpose(1, 2) * scale, dim=-1)
        out[row] = (weights @ values.float()).reshape(-1).to(out.dtype)
    return out
