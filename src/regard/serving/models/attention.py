"""Paged attention with rotary embedding: what the attention halves of all models share."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.kernels.paged_attention import cpu
from regard.serving.kernels.paged_attention.batched import paged_attention_batched
from regard.serving.kernels.paged_attention.reference import (
    append,
    paged_attention_reference,
    rotate,
)
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.numerics import Numerics

Attend = Callable[..., Tensor]
GPU_PAGES = (16, 32, 64, 128)
"""Block sizes that the GPU kernel reads; others go through torch."""


@dataclass(frozen=True)
class LayerCache:
    """Key and value pages of one layer."""

    keys: Float[Tensor, "blocks kv_heads key_dim block_size"]
    """Transposed within a page: 8 tokens' scores fill one vector of a CPU."""
    values: Float[Tensor, "blocks kv_heads block_size value_dim"]
    """As they are; of width 0 where the keys are the values too."""


def allocate_cache(
    *,
    num_blocks: int,
    block_size: int,
    kv_heads: int,
    head_dim: int,
    dtype: torch.dtype,
    device: torch.device,
    value_dim: int | None = None,
) -> LayerCache:
    """Pages of zeros for one layer; values are as wide as keys unless told otherwise."""
    value_dim = head_dim if value_dim is None else value_dim
    shapes = (
        (num_blocks, kv_heads, head_dim, block_size),
        (num_blocks, kv_heads, block_size, value_dim),
    )
    return LayerCache(*(_zeros(shape, dtype, device) for shape in shapes))


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if device.type != "cpu" or 0 in shape:
        return torch.zeros(shape, dtype=dtype, device=device)
    # torch.zeros writes every page; numpy's come from the system as they are first used.
    room = np.zeros(math.prod(shape) * dtype.itemsize, dtype=np.uint8)
    return torch.from_numpy(room).view(dtype).view(shape)


class PagedAttention:
    """Rotate, append, attend. Rows of qkv are [heads | kv_heads | kv_heads] x dim."""

    def __init__(
        self,
        *,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int,
        rope: tuple[Tensor, Tensor],
        numerics: Numerics,
    ) -> None:
        self._num_heads, self._num_kv_heads, self._dim = num_heads, num_kv_heads, head_dim
        self._scale = head_dim**-0.5
        self._rope = rope
        self._numerics = numerics

    def __call__(
        self, qkv: Float[Tensor, "rows width"], cache: LayerCache, batch: ForwardBatch
    ) -> Float[Tensor, "rows outer"]:
        """Attention output of each row, heads side by side."""
        block_size = cache.values.shape[2]
        if (
            self._numerics.uses_native_kernels
            and cache.keys.dtype == torch.float32
            and cpu.supports(self._dim, block_size)
        ):
            return self._native(qkv, cache, batch)
        if self._numerics.uses_gpu_kernels and block_size in GPU_PAGES:
            return self._gpu(qkv, cache, batch)
        return self._torch(qkv, cache, batch)

    def _native(self, qkv: Tensor, cache: LayerCache, batch: ForwardBatch) -> Tensor:
        qkv = qkv.contiguous()
        cpu.rope_append(qkv, self._rope, batch.positions, batch.slots, cache.keys, cache.values)
        return cpu.paged_attention(
            qkv,
            self._num_heads,
            cache.keys,
            cache.values,
            batch.block_tables,
            batch.sequence,
            batch.contexts,
            self._scale,
        )

    def _gpu(self, qkv: Tensor, cache: LayerCache, batch: ForwardBatch) -> Tensor:
        # Triton is not there without a GPU.
        from regard.serving.kernels.paged_attention import gpu

        gpu.rope_append_gpu(qkv, self._rope, batch.positions, batch.slots, cache.keys, cache.values)
        queries = qkv[:, : self._num_heads * self._dim].view(-1, self._num_heads, self._dim)
        alone = batch.num_decode_rows

        def attend(kernel: Attend, rows: slice) -> Tensor:
            return kernel(
                queries[rows],
                cache.keys,
                cache.values,
                batch.block_tables,
                batch.sequence[rows],
                batch.contexts[rows],
                self._scale,
            )

        outputs = []
        if alone:
            outputs.append(attend(gpu.paged_decode_gpu, slice(0, alone)))
        if alone < queries.shape[0]:
            outputs.append(attend(paged_attention_batched, slice(alone, None)))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def _torch(self, qkv: Tensor, cache: LayerCache, batch: ForwardBatch) -> Tensor:
        heads = qkv.view(qkv.shape[0], -1, self._dim)
        counts = [self._num_heads, self._num_kv_heads, self._num_kv_heads]
        queries, keys, values = torch.split(heads, counts, dim=1)
        cos, sin = (table[batch.positions] for table in self._rope)
        queries = rotate(queries.float(), cos, sin).to(qkv.dtype)
        keys = rotate(keys.float(), cos, sin)
        append(keys, values, cache.keys, cache.values, batch.slots)
        attend = paged_attention_reference if self._numerics.is_exact else paged_attention_batched
        return attend(
            queries,
            cache.keys,
            cache.values,
            batch.block_tables,
            batch.sequence,
            batch.contexts,
            self._scale,
        )
