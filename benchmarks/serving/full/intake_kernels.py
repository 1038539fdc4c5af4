# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""What an FFN GPU does with messages before it computes: gathering and dispatch (Triton)."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.message import part_sizes
from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.routing.reference import Dispatch

COLUMNS = tl.constexpr(8192)
BLOCKS = tl.constexpr(64)


@triton.jit
def _intake_kernel(
    values, floats, integers, out, out_scales, out_chosen, out_shares,
    rows, tokens, hidden, part_bytes, CHOICES: tl.constexpr,
):  # fmt: skip
    # A part of a message: values, scales block by block, experts, shares.
    token = tl.program_id(0)
    row = token % rows
    begin = (token // rows).to(tl.int64) * part_bytes
    column = tl.arange(0, COLUMNS)
    inside = column < hidden
    row_values = tl.load(values + begin + row.to(tl.int64) * hidden + column, inside)
    tl.store(out + token.to(tl.int64) * hidden + column, row_values, inside)
    block = tl.arange(0, BLOCKS)
    inside = block * 128 < hidden
    scales = begin // 4 + rows * (hidden // 4)
    tl.store(
        out_scales + block * tokens + token,
        tl.load(floats + scales + block * rows + row, inside),
        inside,
    )
    chosen = scales + rows * (hidden // 128)
    shares = chosen + rows * CHOICES
    for choice in tl.static_range(CHOICES):
        at = row * CHOICES + choice
        target = token * CHOICES + choice
        tl.store(out_chosen + target, tl.load(integers + chosen + at))
        tl.store(out_shares + target, tl.load(floats + shares + at))


@triton.jit
def _dispatch_kernel(
    chosen, order, counts, slots, most, num_choices, capacity, first, groups,
    CHOICES: tl.constexpr, PLACES: tl.constexpr,
):  # fmt: skip
    # One block of the GPU an owned expert; together they write each slot once.
    owned = tl.program_id(0)
    place = tl.arange(0, PLACES)
    inside = place < num_choices
    expert = tl.load(chosen + place, inside, other=-1)
    mine = inside & (expert == first + owned * groups)
    ones = mine.to(tl.int32)
    at = tl.cumsum(ones, 0) - ones
    count = tl.sum(ones, 0)
    tl.atomic_max(most, count)
    tl.store(counts + owned, tl.minimum(count, capacity))
    fits = mine & (at < capacity)
    tl.store(order + owned * capacity + at, place // CHOICES, fits)
    tl.store(slots + place, tl.where(fits, owned * capacity + at, -1), mine)
    elsewhere = inside & (expert % groups != first) & (owned == 0)
    tl.store(slots + place, tl.full([PLACES], -1, tl.int32), elsewhere)


def gather_messages(
    everything: Tensor, config: FullConfig, rows: Rows, chosen: Tensor, shares: Tensor
) -> None:
    """Puts the parts of all messages in one place.

    Args:
        everything: (bytes,) uint8: the messages one after the other.
        config: Whose.
        rows: (tokens, hidden) e4m3 and (hidden / 128, tokens) scales, written.
        chosen: (tokens, choices) int32, written.
        shares: (tokens, choices) float32, written.
    """
    tokens, hidden = rows.values.shape
    assert hidden <= COLUMNS.value, f"a hidden size of {hidden}"
    _intake_kernel[(tokens,)](
        everything, everything.view(torch.float32), everything.view(torch.int32),
        rows.values.view(torch.uint8), rows.scales, chosen, shares,
        config.chunk_rows, tokens, hidden, sum(part_sizes(config)), CHOICES=chosen.shape[1],
        num_warps=4,
    )  # fmt: skip


def dispatch(chosen: Tensor, first: int, num_ffn: int, room: Dispatch, most: Tensor) -> None:
    """The tokens of experts `first`, `first + num_ffn`, ...

    Args:
        chosen: (tokens, choices) int32.
        first: Number of this FFN GPU.
        num_ffn: FFN GPUs.
        room: Written; what is beyond its capacity is left out.
        most: (1,) int32: becomes the most tokens that an expert had so far.
    """
    owned, capacity = room.order.shape
    _dispatch_kernel[(owned,)](
        chosen, room.order, room.counts, room.slots, most, chosen.numel(), capacity, first, num_ffn,
        CHOICES=chosen.shape[1], PLACES=triton.next_power_of_2(chosen.numel()), num_warps=8,
    )  # fmt: skip
