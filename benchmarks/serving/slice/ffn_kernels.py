# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""What moves rows about on the FFN GPU: gather, permute, sum (Triton)."""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.overlap import can_overlap

BLOCKS = tl.constexpr(64)


@triton.jit
def _copy_row(source, source_scales, target, target_scales, size, from_stride, to_stride):
    columns = tl.arange(0, BLOCKS * 128)
    tl.store(target + columns, tl.load(source + columns, columns < size), columns < size)
    block = tl.arange(0, BLOCKS)
    inside = block * 128 < size
    scales = tl.load(source_scales + block * from_stride, inside)
    tl.store(target_scales + block * to_stride, scales, inside)


@triton.jit
def _gather_kernel(
    values, scales, chosen, shares, step, out, out_scales, out_chosen, out_shares,
    salt, num_rows, size, from_stride, to_stride, first, CHOICES: tl.constexpr,
):  # fmt: skip
    # A window that moves with step, layer and micro-batch: a multiplicative hash of all three.
    row = tl.program_id(0)
    start = ((tl.load(step) * 2654435761 + salt * 40503) & 0x7FFFFFFF) % num_rows
    source = (start + row) % num_rows
    target = first + row
    _copy_row(
        values + source * size, scales + source, out + target.to(tl.int64) * size,
        out_scales + target, size, from_stride, to_stride,
    )  # fmt: skip
    for choice in tl.static_range(CHOICES):
        tl.store(
            out_chosen + target * CHOICES + choice, tl.load(chosen + source * CHOICES + choice)
        )
        tl.store(
            out_shares + target * CHOICES + choice, tl.load(shares + source * CHOICES + choice)
        )


@triton.jit
def _permute_kernel(
    values, scales, order, counts, out, out_scales, capacity, size, from_stride, to_stride,
):  # fmt: skip
    line = tl.program_id(0)
    if line % capacity < tl.load(counts + line // capacity):
        token = tl.load(order + line)
        _copy_row(
            values + token.to(tl.int64) * size, scales + token,
            out + line.to(tl.int64) * size, out_scales + line, size, from_stride, to_stride,
        )  # fmt: skip


@triton.jit
def _sum_kernel(
    partial, out, own_rows, hidden,
    PARTS: tl.constexpr, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    total = tl.zeros([COLUMNS], tl.float32)
    for part in tl.static_range(PARTS):
        total += tl.load(partial + (part * own_rows + row) * hidden + column).to(tl.float32)
    tl.store(out + row * hidden + column, total.to(tl.bfloat16))


def gather(
    pool: tuple[Rows, Tensor, Tensor],
    step: Tensor,
    salt: int,
    target: tuple[Rows, Tensor, Tensor],
    first: int,
) -> None:
    """Copies pooled rows with their routes to rows `first` and on of the target."""
    rows, chosen, shares = pool
    out, out_chosen, out_shares = target
    num_rows, size = rows.values.shape
    _gather_kernel[(out.values.shape[0] - first,)](
        rows.values, rows.scales, chosen, shares, step,
        out.values, out.scales, out_chosen, out_shares, salt, num_rows, size,
        rows.scales.stride(0), out.scales.stride(0), first,
        CHOICES=chosen.shape[1], num_warps=4,
    )  # fmt: skip


def permute(source: Rows, order: Tensor, counts: Tensor, target: Rows) -> None:
    """Copies each expert's tokens to its rows of the target."""
    _permute_kernel[(order.numel(),)](
        source.values, source.scales, order, counts, target.values, target.scales,
        order.shape[1], source.values.shape[1], source.scales.stride(0), target.scales.stride(0),
        num_warps=4,
    )  # fmt: skip


def sum_parts(partial: Tensor, out: Tensor) -> None:
    """Sums (parts, rows, hidden) bfloat16 over the parts, in float32."""
    parts = partial.shape[0] // out.shape[0]
    overlap = can_overlap(out.device)
    _sum_kernel[(out.shape[0], out.shape[1] // 1024)](
        partial, out, out.shape[0], out.shape[1],
        PARTS=parts, COLUMNS=1024, OVERLAP=overlap, num_warps=4, launch_pdl=overlap,
    )  # fmt: skip
