"""The specification: softmax attention over the dequantised pages, sequence by sequence."""

import torch
from torch import Tensor


def mfa_decode_reference(
    queries: Tensor,
    cache: Tensor,
    block_table: Tensor,
    lengths: Tensor,
    *,
    scale: float,
    k_scale: float,
    v_scale: float,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """out[s, h] = softmax(scale * queries[s, h] @ keys[s].T) @ values[s].

    Args:
        queries: (sequences, heads, dim).
        cache: (pages, 2, page_size, dim): keys, then values, of page_size tokens.
        block_table: (sequences, width) page ids.
        lengths: (sequences,) tokens of each sequence, at least 1.
        scale: Factor on the scores.
        k_scale: Keys are `cache[:, 0] * k_scale`.
        v_scale: Values are `cache[:, 1] * v_scale`.
        dtype: What it computes in.

    Returns:
        (sequences, heads, dim) in the dtype of the queries; in `dtype` if that is float64.
    """
    page_size = cache.shape[2]
    out_dtype = dtype if dtype == torch.float64 else queries.dtype
    out = torch.empty(queries.shape, dtype=out_dtype, device=queries.device)
    for sequence, length in enumerate(lengths.tolist()):
        pages = block_table[sequence, : -(-length // page_size)].long()
        keys, values = cache[pages].to(dtype).unbind(1)  # (pages, page_size, dim) each
        keys = keys.flatten(0, 1)[:length] * k_scale
        values = values.flatten(0, 1)[:length] * v_scale
        scores = queries[sequence].to(dtype) @ keys.T * scale
        out[sequence] = (torch.softmax(scores, dim=-1) @ values).to(out_dtype)
    return out
