"""Launcher of the C kernels."""

import ctypes

import torch
from torch import Tensor

from regard.serving.kernels import native

MAX_HEADS = 3
"""Query heads that the kernel works together."""
_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_int64
_APPEND_SIGNATURE = (*(_POINTER,) * 7, *(_SIZE,) * 5)
_ATTEND_SIGNATURE = (
    *(_POINTER, _SIZE),
    *(_POINTER,) * 3,
    _SIZE,
    *(_POINTER,) * 3,
    _SIZE,
    _POINTER,
    *(_SIZE,) * 5,
    ctypes.c_float,
    ctypes.c_int,
)


def supports(head_dim: int, block_size: int) -> bool:
    """Whether the C kernels take this shape (whole vectors of 8)."""
    return head_dim % 8 == 0 and block_size % 8 == 0


def rope_append(
    qkv: Tensor,
    rope: tuple[Tensor, Tensor],
    positions: Tensor,
    slots: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
) -> None:
    """Rotate q and k of `qkv` (rows, (heads + 2 kv_heads) * dim) in place and append k, v."""
    call = native.function("regard_rope_append", _APPEND_SIGNATURE)
    _, kv_heads, dim, block_size = k_cache.shape
    rows, width = qkv.shape
    assert qkv.is_contiguous()
    assert qkv.dtype == k_cache.dtype == torch.float32
    call(
        qkv.data_ptr(),
        rope[0].data_ptr(),
        rope[1].data_ptr(),
        positions.data_ptr(),
        slots.data_ptr(),
        k_cache.data_ptr(),
        v_cache.data_ptr(),
        rows,
        width // dim - 2 * kv_heads,
        kv_heads,
        dim,
        block_size,
    )


def paged_attention(
    qkv: Tensor,
    num_heads: int,
    k_cache: Tensor,
    v_cache: Tensor,
    block_tables: Tensor,
    sequence: Tensor,
    contexts: Tensor,
    scale: float,
) -> Tensor:
    """As the reference; the queries are the first num_heads * dim columns of `qkv`."""
    call = native.function("regard_paged_attention", _ATTEND_SIGNATURE)
    _, kv_heads, dim, block_size = k_cache.shape
    rows, width = qkv.shape[0], block_tables.shape[1]
    scores = torch.empty(rows * kv_heads, MAX_HEADS * width * block_size)
    out = torch.empty(rows, num_heads * dim)
    assert block_tables.dtype == torch.int32
    assert contexts.dtype == sequence.dtype == torch.int64
    call(
        qkv.data_ptr(),
        qkv.stride(0),
        k_cache.data_ptr(),
        v_cache.data_ptr(),
        block_tables.data_ptr(),
        width,
        sequence.data_ptr(),
        contexts.data_ptr(),
        scores.data_ptr(),
        scores.shape[1],
        out.data_ptr(),
        rows,
        num_heads,
        kv_heads,
        dim,
        block_size,
        scale,
        torch.get_num_threads(),
    )
    return out
