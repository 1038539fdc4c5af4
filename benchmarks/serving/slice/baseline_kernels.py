# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""What stands between ready-made products and attention: rotation, SwiGLU, sums (Triton)."""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.overlap import can_overlap

FP8_MAX = tl.constexpr(448.0)
SMALLEST = tl.constexpr(1e-30)


@triton.jit
def _rotate_kernel(
    query, cos, sin, out, descale, HEADS: tl.constexpr, HALF: tl.constexpr, OVERLAP: tl.constexpr
):
    row = tl.program_id(0)
    half = tl.arange(0, HALF)
    c = tl.load(cos + row * HALF + half)[None, :]
    s = tl.load(sin + row * HALF + half)[None, :]
    at = row * (HEADS * 2 * HALF) + tl.arange(0, HEADS)[:, None] * (2 * HALF) + half[None, :]
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    low = tl.load(query + at).to(tl.float32)
    high = tl.load(query + at + HALF).to(tl.float32)
    first = low * c - high * s
    second = high * c + low * s
    largest = tl.maximum(tl.max(tl.abs(first)), tl.max(tl.abs(second)))
    scale = tl.maximum(largest, SMALLEST) / FP8_MAX
    tl.store(out + at, (first / scale).to(out.dtype.element_ty))
    tl.store(out + at + HALF, (second / scale).to(out.dtype.element_ty))
    tl.store(descale + row, scale)


@triton.jit
def _gate_kernel(
    x, counts, out, scales, capacity, width, BLOCKS: tl.constexpr, OVERLAP: tl.constexpr
):
    line = tl.program_id(0)
    expert = line // capacity
    block = tl.program_id(1) * BLOCKS + tl.arange(0, BLOCKS)
    column = block[:, None] * 128 + tl.arange(0, 128)[None, :]
    inside = column < width
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    if line % capacity < tl.load(counts + expert):
        at = x + line.to(tl.int64) * (2 * width) + column
        gate = tl.load(at, inside, other=0.0).to(tl.float32)
        up = tl.load(at + width, inside, other=0.0).to(tl.float32)
        value = gate / (1.0 + tl.exp(-gate)) * up
        scale = tl.maximum(tl.max(tl.abs(value), 1), SMALLEST) / FP8_MAX
        narrow = (value / scale[:, None]).to(out.dtype.element_ty)
        tl.store(out + line.to(tl.int64) * width + column, narrow, inside)
        place = (expert * (width // 128) + block) * capacity + line % capacity
        tl.store(scales + place, scale, block * 128 < width)


def rotate_queries(query: Tensor, cos: Tensor, sin: Tensor, out: Tensor, descale: Tensor) -> None:
    """Rotates bfloat16 queries and quantises each sequence's with one scale.

    Args:
        query: (rows, heads * 256).
        cos: (rows, 128) float32.
        sin: The same.
        out: (rows, heads, 256) e4m3.
        descale: (rows, 1) float32.
    """
    overlap = can_overlap(query.device)
    _rotate_kernel[(len(query),)](
        query, cos, sin, out, descale, HEADS=out.shape[1], HALF=cos.shape[1], OVERLAP=overlap,
        num_warps=16, launch_pdl=overlap,
    )  # fmt: skip


def gate_rows(x: Tensor, counts: Tensor, out: Rows) -> None:
    """SwiGLU of bfloat16 gates and ups, quantised.

    Args:
        x: (experts * capacity, 2 * width) gate, then up.
        counts: (experts,) int32: rows that count.
        out: Values (experts * capacity, width); scales (experts, width / 128, capacity).
    """
    lines, width = out.values.shape
    overlap = can_overlap(x.device)
    _gate_kernel[(lines, triton.cdiv(width, 1024))](
        x, counts, out.values, out.scales, lines // len(counts), width,
        BLOCKS=8, OVERLAP=overlap, num_warps=4, launch_pdl=overlap,
    )  # fmt: skip
