# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""FP8 linear layer for GPUs (Triton): the weights are read once, whatever the number of rows.

A decode step has fewer rows than make the tensor cores the limit, so weights take the place of
the wide operand and all rows up to 256 pass by each tile of them. The inner dimension is cut in
`num_splits`, as many as keep all multiprocessors at work; who reads the result adds up the parts.
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait
from triton.tools.tensor_descriptor import TensorDescriptor

from regard.serving.kernels.overlap import can_overlap

BLOCK = tl.constexpr(128)


@triton.jit
def accumulate(
    acc, w, w_scale, x, x_scales, row, inside, block, inner, num_rows, ROWS: tl.constexpr
):
    """Adds one block of 128 columns: w (outer, 128) by these rows of x."""
    k = tl.arange(0, BLOCK)
    at = x + row.to(tl.int64)[None, :] * inner + block * BLOCK + k[:, None]
    values = tl.load(at, inside[None, :], other=0.0)
    scale = tl.load(x_scales + block * num_rows + row, inside, other=0.0)
    # A sum of 128 products stays in the tensor cores, whose sums are short of float32's.
    return acc + tl.dot(w, values) * (w_scale * scale[None, :])


@triton.jit
def _fp8_linear_kernel(
    w_desc, w_scales, x, x_scales, out, num_rows, outer, inner,
    blocks_a_split, TILE: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr,
    OVERLAP: tl.constexpr,
):  # fmt: skip
    tile = tl.program_id(0)
    split = tl.program_id(1)
    num_blocks = inner // BLOCK
    begin = split * blocks_a_split
    end = tl.minimum(begin + blocks_a_split, num_blocks)
    row0 = tl.arange(0, FIRST)
    acc0 = tl.zeros([TILE, FIRST], tl.float32)
    if SECOND > 0:
        row1 = FIRST + tl.arange(0, SECOND)
        acc1 = tl.zeros([TILE, SECOND], tl.float32)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    for block in range(begin, end):
        w = w_desc.load([tile * TILE, block * BLOCK])
        w_scale = tl.load(w_scales + (tile * TILE // BLOCK) * num_blocks + block)
        acc0 = accumulate(
            acc0, w, w_scale, x, x_scales, row0, row0 < num_rows, block, inner, num_rows, FIRST
        )
        if SECOND > 0:
            acc1 = accumulate(
                acc1, w, w_scale, x, x_scales, row1, row1 < num_rows, block, inner, num_rows, SECOND
            )
    column = tile * TILE + tl.arange(0, TILE)
    out += split.to(tl.int64) * num_rows * outer
    tl.store(out + row0[None, :] * outer + column[:, None], acc0, row0[None, :] < num_rows)
    if SECOND > 0:
        tl.store(out + row1[None, :] * outer + column[:, None], acc1, row1[None, :] < num_rows)


@triton.jit
def _rotate_pairs(acc, cos, sin, row, inside, half, out, outer, column, ROWS: tl.constexpr):
    # Rows of the accumulator come in pairs (dimension i, dimension i + 128) of one head.
    even, odd = tl.split(tl.permute(tl.reshape(acc, [64, 2, ROWS]), (0, 2, 1)))
    i = half * 64 + tl.arange(0, 64)
    at = row[None, :] * 128 + i[:, None]
    c = tl.load(cos + at, inside[None, :], other=0.0)
    s = tl.load(sin + at, inside[None, :], other=0.0)
    turned = tl.join(even * c - odd * s, odd * c + even * s)
    turned = tl.reshape(tl.permute(turned, (0, 2, 1)), [128, ROWS])
    at = out + row[None, :] * outer + column[:, None]
    tl.store(at, turned.to(tl.bfloat16), inside[None, :])


@triton.jit
def _query_kernel(
    w_desc, w_scales, x, x_scales, cos, sin, out, num_rows, outer, inner,
    FIRST: tl.constexpr, SECOND: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    tile = tl.program_id(0)
    num_blocks = inner // BLOCK
    row0 = tl.arange(0, FIRST)
    acc0 = tl.zeros([BLOCK, FIRST], tl.float32)
    if SECOND > 0:
        row1 = FIRST + tl.arange(0, SECOND)
        acc1 = tl.zeros([BLOCK, SECOND], tl.float32)
    odd = (tl.arange(0, BLOCK) & 1) > 0
    scale_row = w_scales + (tile // 2) * 2 * num_blocks
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    for block in range(0, num_blocks):
        w = w_desc.load([tile * BLOCK, block * BLOCK])
        low = tl.load(scale_row + block)
        high = tl.load(scale_row + num_blocks + block)
        w_scale = tl.where(odd, high, low)[:, None]
        acc0 = accumulate(
            acc0, w, w_scale, x, x_scales, row0, row0 < num_rows, block, inner, num_rows, FIRST
        )
        if SECOND > 0:
            acc1 = accumulate(
                acc1, w, w_scale, x, x_scales, row1, row1 < num_rows, block, inner, num_rows, SECOND
            )
    column = tile * BLOCK + tl.arange(0, BLOCK)
    _rotate_pairs(acc0, cos, sin, row0, row0 < num_rows, tile % 2, out, outer, column, FIRST)
    if SECOND > 0:
        _rotate_pairs(acc1, cos, sin, row1, row1 < num_rows, tile % 2, out, outer, column, SECOND)


@dataclass(frozen=True)
class Tiling:
    """How the work is cut."""

    tile: int = 128
    """Rows of the weight a block of the GPU, 64 or 128."""

    num_splits: int = 1
    """Parts of the inner dimension."""

    num_warps: int = 8
    """Warps a block of the GPU."""

    num_stages: int = 4
    """Tiles of the weight on their way."""


def split_rows(num_rows: int) -> tuple[int, int]:
    """Two powers of two that hold the rows with little to spare.

    Raises:
        ValueError: There are more rows than one pass takes.
    """
    if num_rows > 256:
        raise ValueError(f"{num_rows} rows; at most 256 pass at a time")
    first = 128 if num_rows > 64 else 64
    rest = num_rows - first
    return first, (triton.next_power_of_2(max(rest, 16)) if rest > 0 else 0)


def describe(weight: Tensor, tile: int = 128) -> TensorDescriptor:
    """What the copies of tiles need to know of a weight; make it once."""
    return TensorDescriptor.from_tensor(weight, [tile, 128])


def fp8_linear_gpu(
    x: Tensor,
    x_scales: Tensor,
    weight: TensorDescriptor,
    weight_scales: Tensor,
    out: Tensor,
    tiling: Tiling,
) -> None:
    """As the reference, in parts.

    Args:
        x: (rows, inner) e4m3, at most 256 rows, inner a multiple of 128.
        x_scales: (inner / 128, rows) float32.
        weight: Of an (outer, inner) e4m3 weight, described for this tiling.
        weight_scales: (outer / 128, inner / 128) float32.
        out: (num_splits, rows, outer) float32; their sum is the result.
        tiling: How to cut.
    """
    num_rows, inner = x.shape
    first, second = split_rows(num_rows)
    overlap = can_overlap(x.device)
    grid = (out.shape[2] // tiling.tile, tiling.num_splits)
    _fp8_linear_kernel[grid](
        weight, weight_scales, x, x_scales, out, num_rows, out.shape[2], inner,
        triton.cdiv(inner // 128, tiling.num_splits),
        TILE=tiling.tile, FIRST=first, SECOND=second, OVERLAP=overlap,
        num_warps=tiling.num_warps, num_stages=tiling.num_stages, launch_pdl=overlap,
    )  # fmt: skip


def interleave_heads(weight: Tensor, head_dim: int = 256) -> Tensor:
    """Reorders rows so that dimension i of a head stands beside dimension i + head_dim / 2."""
    heads = weight.view(-1, 2, head_dim // 2, weight.shape[-1])
    return heads.transpose(1, 2).reshape(weight.shape).contiguous()


def query_projection_gpu(
    x: Tensor,
    x_scales: Tensor,
    weight: TensorDescriptor,
    weight_scales: Tensor,
    cos: Tensor,
    sin: Tensor,
    out: Tensor,
    tiling: Tiling,
) -> None:
    """Projects and rotates queries of heads of 256 dimensions.

    Args:
        x: (rows, inner) e4m3.
        x_scales: (inner / 128, rows) float32.
        weight: Of the weight after `interleave_heads`.
        weight_scales: (outer / 128, inner / 128) float32, of the weight before it.
        cos: (rows, 128) float32 of each row's position.
        sin: The same.
        out: (rows, outer) bfloat16, each head's dimensions in the order of `interleave_heads`.
        tiling: Warps and stages; the rest is fixed.
    """
    num_rows, inner = x.shape
    first, second = split_rows(num_rows)
    overlap = can_overlap(x.device)
    _query_kernel[(out.shape[1] // 128,)](
        weight, weight_scales, x, x_scales, cos, sin, out, num_rows, out.shape[1], inner,
        FIRST=first, SECOND=second, OVERLAP=overlap,
        num_warps=tiling.num_warps, num_stages=tiling.num_stages, launch_pdl=overlap,
    )  # fmt: skip


def fp8_linear_parts(rows: int, outer: int, tiling: Tiling, device: torch.device) -> Tensor:
    """Room for the parts of a result."""
    return torch.empty(tiling.num_splits, rows, outer, dtype=torch.float32, device=device)
