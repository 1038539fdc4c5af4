# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Inner norm, rotation and append for GPUs (Triton): one block of the GPU a row."""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.norm_quantise.gpu import quantise_row
from regard.serving.kernels.overlap import can_overlap

HALF = tl.constexpr(128)


@triton.jit
def _sum_parts(parts, at, num_rows, size, NUM_PARTS: tl.constexpr):
    total = tl.load(parts + at).to(tl.float32)
    for part in tl.static_range(1, NUM_PARTS):
        total += tl.load(parts + part * num_rows * size + at).to(tl.float32)
    return total


@triton.jit
def _narrow(values, kind):
    return tl.clamp(values, -448.0, 448.0).to(kind)


@triton.jit
def _latent_append_kernel(
    parts, weight, eps, cos, sin, positions, table, table_width, cache, k_scale, v_scale,
    out, scales, num_rows,
    LATENT: tl.constexpr, PAGE: tl.constexpr, NUM_PARTS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0)
    size = LATENT + 4 * HALF
    half = tl.arange(0, HALF)
    c = tl.load(cos + row * HALF + half)
    s = tl.load(sin + row * HALF + half)
    position = tl.load(positions + row)
    page = tl.load(table + row * table_width + position // PAGE).to(tl.int64)
    columns = tl.arange(0, LATENT)
    factors = tl.load(weight + columns).to(tl.float32)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    base = row * size
    # All loads ahead of the first store, which none of them may pass.
    query = _sum_parts(parts, base + columns, num_rows, size, NUM_PARTS)
    low = _sum_parts(parts, base + LATENT + half, num_rows, size, NUM_PARTS)
    high = _sum_parts(parts, base + LATENT + HALF + half, num_rows, size, NUM_PARTS)
    both = tl.arange(0, 2 * HALF)
    value = _sum_parts(parts, base + LATENT + 2 * HALF + both, num_rows, size, NUM_PARTS)
    at = cache + (page * 2 * PAGE + position % PAGE) * (2 * HALF)
    kind = cache.dtype.element_ty
    tl.store(at + half, _narrow((low * c - high * s) / k_scale, kind))
    tl.store(at + HALF + half, _narrow((high * c + low * s) / k_scale, kind))
    tl.store(at + PAGE * 2 * HALF + both, _narrow(value / v_scale, kind))
    query *= tl.rsqrt(tl.sum(query * query, 0) / LATENT + eps) * factors
    row_out = out + row.to(tl.int64) * LATENT
    inside = columns < LATENT
    quantise_row(query, row_out, scales, row, num_rows, columns, inside, LATENT // 128)


def latent_append_gpu(
    parts: Tensor,
    weight: Tensor,
    eps: float,
    cos: Tensor,
    sin: Tensor,
    positions: Tensor,
    block_table: Tensor,
    cache: Tensor,
    *,
    k_scale: float,
    v_scale: float,
    out: Tensor,
    scales: Tensor,
) -> None:
    """As the reference, writing the latent query too.

    Args:
        parts: (parts, rows, latent + 512) float32 or bfloat16: the fused projection, in parts.
        weight: (latent,) of the inner norm; latent is a power of two.
        eps: Of the norm.
        cos: (rows, 128) float32 of each row's position.
        sin: The same.
        positions: (rows,) int32, where the new token of each row stands.
        block_table: (rows, width) int32.
        cache: (pages, 2, page size, 256) e4m3; of any page size.
        k_scale: Of the cache's keys.
        v_scale: Of its values.
        out: (rows, latent) e4m3.
        scales: (latent / 128, rows) float32.
    """
    overlap = can_overlap(parts.device)
    num_parts, num_rows, _ = parts.shape
    _latent_append_kernel[(num_rows,)](
        parts, weight, eps, cos, sin, positions, block_table, block_table.stride(0), cache,
        k_scale, v_scale, out, scales, num_rows,
        LATENT=weight.shape[0], PAGE=cache.shape[2], NUM_PARTS=num_parts, OVERLAP=overlap,
        num_warps=8, launch_pdl=overlap,
    )  # fmt: skip
