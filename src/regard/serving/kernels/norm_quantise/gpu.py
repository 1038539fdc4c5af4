# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Sum, RMSNorm and quantisation for GPUs (Triton): one block of the GPU a row."""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.overlap import can_overlap

FP8_MAX = tl.constexpr(448.0)
SMALLEST = tl.constexpr(1e-30)


@triton.jit
def quantise_row(values, out, scales, row, num_rows, columns, inside, BLOCKS: tl.constexpr):
    """Writes one row in e4m3, and a scale for each 128 columns."""
    blocks = tl.reshape(values, [BLOCKS, 128])
    scale = tl.maximum(tl.max(tl.abs(blocks), 1), SMALLEST) / FP8_MAX
    quantised = tl.reshape(blocks / scale[:, None], [BLOCKS * 128]).to(tl.float8e4nv)
    tl.store(out + columns, quantised, inside)
    block = tl.arange(0, BLOCKS)
    size = tl.sum(inside.to(tl.int32), 0)
    tl.store(scales + block * num_rows + row, scale, block * 128 < size)


@triton.jit
def _sum_norm_quantise_kernel(
    residual, parts, weight, normed, out, scales, num_rows, size, eps,
    NUM_PARTS: tl.constexpr, BLOCKS: tl.constexpr, KEEP: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCKS * 128)
    inside = columns < size
    factors = tl.load(weight + columns, inside, other=0.0).to(tl.float32)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    at = row.to(tl.int64) * size + columns
    values = tl.load(residual + at, inside, other=0.0)
    for part in tl.static_range(NUM_PARTS):
        part_at = (part * num_rows + row).to(tl.int64) * size + columns
        values += tl.load(parts + part_at, inside, other=0.0).to(tl.float32)
    if NUM_PARTS > 0:
        tl.store(residual + at, values, inside)
    values *= tl.rsqrt(tl.sum(values * values, 0) / size + eps) * factors
    if KEEP:
        tl.store(normed + at, values.to(tl.bfloat16), inside)
    row_out = out + row.to(tl.int64) * size
    quantise_row(values, row_out, scales, row, num_rows, columns, inside, BLOCKS)


def sum_norm_quantise_gpu(
    residual: Tensor,
    parts: Tensor | None,
    weight: Tensor,
    eps: float,
    *,
    out: Tensor,
    scales: Tensor,
    normed: Tensor | None = None,
) -> None:
    """As the reference, writing in place.

    Args:
        residual: (rows, columns) float32, columns a multiple of 128; becomes the new residual.
        parts: (parts, rows, columns) float32 or bfloat16 to be added, or None.
        weight: (columns,) of the norm.
        eps: Of the norm.
        out: (rows, columns) e4m3.
        scales: (columns / 128, rows) float32.
        normed: (rows, columns) bfloat16, written if given.
    """
    num_rows, size = residual.shape
    overlap = can_overlap(residual.device)
    # So few registers that a multiprocessor takes two rows at a time.
    _sum_norm_quantise_kernel[(num_rows,)](
        residual, residual if parts is None else parts, weight,
        residual if normed is None else normed, out, scales, num_rows, size, eps,
        NUM_PARTS=0 if parts is None else parts.shape[0],
        BLOCKS=triton.next_power_of_2(size // 128), KEEP=normed is not None, OVERLAP=overlap,
        num_warps=8, maxnreg=128, launch_pdl=overlap,
    )  # fmt: skip


@triton.jit
def _quantise_kernel(x, out, scales, num_rows, size, BLOCKS: tl.constexpr, OVERLAP: tl.constexpr):
    row = tl.program_id(0)
    block = tl.program_id(1) * BLOCKS + tl.arange(0, BLOCKS)
    columns = block[:, None] * 128 + tl.arange(0, 128)[None, :]
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    at = row.to(tl.int64) * size + columns
    values = tl.load(x + at).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(values), 1), SMALLEST) / FP8_MAX
    tl.store(out + at, (values / scale[:, None]).to(tl.float8e4nv))
    tl.store(scales + block * num_rows + row, scale)


def quantise_gpu(x: Tensor, *, out: Tensor, scales: Tensor) -> None:
    """Rows in e4m3, a scale for each 128 columns.

    Args:
        x: (rows, columns), columns a multiple of 2,048.
        out: (rows, columns) e4m3, written.
        scales: (columns / 128, rows) float32, written.
    """
    num_rows, size = x.shape
    overlap = can_overlap(x.device)
    _quantise_kernel[(num_rows, size // 2048)](
        x, out, scales, num_rows, size, BLOCKS=16, OVERLAP=overlap, num_warps=4, launch_pdl=overlap,
    )  # fmt: skip
