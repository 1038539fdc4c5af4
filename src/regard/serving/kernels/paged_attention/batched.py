"""Attention for devices without a kernel of their own: whole sequences through torch."""

import torch
from torch import Tensor

from regard.serving.kernels.paged_attention.reference import gather


def paged_attention_batched(
    queries: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_tables: Tensor,
    sequence: Tensor,
    contexts: Tensor,
    scale: float,
) -> Tensor:
    """As the reference, but one product for all rows of a sequence that stand together."""
    rows, heads, dim = queries.shape
    kv_heads, block_size = v_cache.shape[1:3]
    outputs = []
    start = 0
    lines, lengths = sequence.tolist(), contexts.tolist()
    while start < rows:
        end = start
        while end < rows and lines[end] == lines[start]:
            end += 1
        context = max(lengths[start:end])
        blocks = block_tables[lines[start], : -(-context // block_size)].long()
        keys, values = gather(k_cache, v_cache, blocks, context)
        query = queries[start:end].view(end - start, kv_heads, -1, dim).permute(1, 2, 0, 3)
        visible = torch.arange(context, device=queries.device) < contexts[start:end, None]
        out = torch.nn.functional.scaled_dot_product_attention(
            query,
            keys[:, None].to(query.dtype),
            values[:, None].to(query.dtype),
            attn_mask=visible,
            scale=scale,
        )
        outputs.append(out.permute(2, 0, 1, 3).reshape(end - start, heads * dim))
        start = end
    return torch.cat(outputs)
