# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""The shared expert's down projection for GPUs (Triton), which adds the routed results.

The parts of the routed experts' cut tiles are added up before it (`fold_parts`).
"""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait
from triton.tools.tensor_descriptor import TensorDescriptor

from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.overlap import can_overlap

BLOCK = tl.constexpr(128)
ROWS = 64


@triton.jit
def _accumulate(acc, w, w_scale, x, x_scales, row, inside, block, inner, num_rows):
    """Adds one block of 128 columns: w (outer, 128) by these rows of x."""
    k = tl.arange(0, BLOCK)
    at = x + row.to(tl.int64)[None, :] * inner + block * BLOCK + k[:, None]
    values = tl.load(at, inside[None, :], other=0.0)
    scale = tl.load(x_scales + block * num_rows + row, inside, other=0.0)
    # A sum of 128 products stays in the tensor cores, whose sums are short of float32's.
    return acc + tl.dot(w, values) * (w_scale * scale[None, :])


@triton.jit
def _shared_down_kernel(
    w_desc, w_scales, x, x_scales, routed, slots, weights, out, num_tokens, inner, hidden,
    CHOICES: tl.constexpr, ROWS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    num_tiles = hidden // BLOCK
    tile = tl.program_id(0) % num_tiles
    token = (tl.program_id(0) // num_tiles) * ROWS + tl.arange(0, ROWS)
    inside = token < num_tokens
    num_blocks = inner // BLOCK
    acc = tl.zeros([BLOCK, ROWS], tl.float32)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    for block in range(0, num_blocks):
        w = w_desc.load([tile * BLOCK, block * BLOCK])
        scale = tl.load(w_scales + tile * num_blocks + block)
        acc = _accumulate(acc, w, scale, x, x_scales, token, inside, block, inner, num_tokens)
    column = tile * BLOCK + tl.arange(0, BLOCK)
    result = tl.trans(acc)
    for choice in tl.static_range(CHOICES):
        slot = tl.load(slots + token * CHOICES + choice, inside, other=-1)
        share = tl.load(weights + token * CHOICES + choice, inside, other=0.0)
        at = routed + slot.to(tl.int64)[:, None] * hidden + column[None, :]
        chosen = tl.load(at, (slot >= 0)[:, None], other=0.0).to(tl.float32)
        result += chosen * share[:, None]
    at = out + token.to(tl.int64)[:, None] * hidden + column[None, :]
    tl.store(at, result.to(tl.bfloat16), inside[:, None])


@triton.jit
def _add_kernel(
    out, routed, slots, shares, lines, capacity, hidden, num_whole,
    CHOICES: tl.constexpr, PARTS: tl.constexpr, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    at = out + token.to(tl.int64) * hidden + column
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    total = tl.zeros([COLUMNS], tl.float32)
    found = 0
    for choice in tl.static_range(CHOICES):
        slot = tl.load(slots + token * CHOICES + choice)
        if slot >= 0:
            share = tl.load(shares + token * CHOICES + choice)
            own = routed + slot.to(tl.int64) * hidden + column
            result = tl.load(own).to(tl.float32)
            cut = slot // capacity * (hidden // 256) + column // 256 >= num_whole
            for part in tl.static_range(1, PARTS):
                more = tl.load(own + part * lines.to(tl.int64) * hidden, cut, other=0.0)
                result += more.to(tl.float32)
            total += result * share
            found += 1
    if found > 0:
        tl.store(at, (tl.load(at).to(tl.float32) + total).to(tl.bfloat16))


@triton.jit
def _fold_kernel(
    parts, counts, lines, capacity, hidden, num_whole, first_line,
    PARTS: tl.constexpr, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    line = first_line + tl.program_id(0)
    expert = line // capacity
    first = tl.maximum(num_whole - expert * (hidden // 256), 0) * 256
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    if (line % capacity < tl.load(counts + expert)) & ((tl.program_id(1) + 1) * COLUMNS > first):
        at = parts + line.to(tl.int64) * hidden + column
        inside = column >= first
        total = tl.load(at, inside, other=0.0).to(tl.float32)
        for part in tl.static_range(1, PARTS):
            more = tl.load(at + part * lines.to(tl.int64) * hidden, inside, other=0.0)
            total += more.to(tl.float32)
        tl.store(at, total.to(tl.bfloat16), inside)


def fold_parts(parts: Tensor, counts: Tensor, capacity: int, num_whole: int) -> None:
    """Adds the parts of cut tiles to the first part, in place.

    Args:
        parts: (parts, experts * capacity, hidden) bfloat16. Tiles of 256 columns, counted expert
            by expert, from `num_whole` on are sums over all parts; others stand in the first.
        counts: (experts,) int32: rows of each expert that count.
        capacity: Rows that an expert has room for.
        num_whole: Tiles that are not cut.
    """
    num_parts, lines, hidden = parts.shape
    overlap = can_overlap(parts.device)
    # Experts ahead of it have no cut tile.
    first = min(num_whole // (hidden // 256), lines // capacity) * capacity
    if first == lines:
        return
    _fold_kernel[(lines - first, hidden // 1024)](
        parts, counts, lines, capacity, hidden, num_whole, first,
        PARTS=num_parts, COLUMNS=1024, OVERLAP=overlap, num_warps=4, launch_pdl=overlap,
    )  # fmt: skip


def add_routed(
    out: Tensor, parts: Tensor, slots: Tensor, shares: Tensor, capacity: int, num_whole: int
) -> None:
    """Adds what routed experts have for each token; most tokens have none, and are left alone.

    Args:
        out: (tokens, hidden) bfloat16, changed in place.
        parts: As of `fold_parts`, not folded.
        slots: (tokens, choices) int32: rows of a part, or -1.
        shares: (tokens, choices) float32: the router's weights.
        capacity: Rows that an expert has room for.
        num_whole: Tiles that are not cut.
    """
    num_parts, lines, hidden = parts.shape
    overlap = can_overlap(out.device)
    _add_kernel[(len(out), hidden // 1024)](
        out, parts, slots, shares, lines, capacity, hidden, num_whole,
        CHOICES=slots.shape[1], PARTS=num_parts, COLUMNS=1024, OVERLAP=overlap,
        num_warps=4, launch_pdl=overlap,
    )  # fmt: skip


def describe(weight: Tensor) -> TensorDescriptor:
    """What the copies of tiles of 128 x 128 need to know of a weight; make it once."""
    return TensorDescriptor.from_tensor(weight, [128, 128])


def combine_gpu(
    x: Rows,
    weight: TensorDescriptor,
    weight_scales: Tensor,
    routed: Tensor | None,
    slots: Tensor,
    shares: Tensor,
    out: Tensor,
) -> None:
    """The shared expert's down projection of all tokens, plus what routed experts gave them.

    Args:
        x: (tokens, width).
        weight: Of the (hidden, width) weight.
        weight_scales: (hidden / 128, width / 128) float32.
        routed: (experts * capacity, hidden) bfloat16, or None where a layer has no routed experts.
        slots: (tokens, choices) int32: rows of `routed`, or -1.
        shares: (tokens, choices) float32: the router's weights.
        out: (tokens, hidden) bfloat16.
    """
    num_tokens, inner = x.values.shape
    hidden = out.shape[1]
    overlap = can_overlap(x.values.device)
    grid = (hidden // 128 * triton.cdiv(num_tokens, ROWS),)
    _shared_down_kernel[grid](
        weight, weight_scales, x.values, x.scales, out if routed is None else routed, slots, shares,
        out, num_tokens, inner, hidden,
        CHOICES=0 if routed is None else slots.shape[1], ROWS=ROWS, OVERLAP=overlap,
        num_warps=8, num_stages=3, launch_pdl=overlap,
    )  # fmt: skip
