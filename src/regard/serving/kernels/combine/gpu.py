# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Adds routed results to the tokens that have some, for GPUs (Triton)."""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.overlap import can_overlap
from regard.serving.kernels.routing.reference import Dispatch


@triton.jit
def _result(parts, slot, column, lines, capacity, hidden, num_whole, PARTS: tl.constexpr):
    """One expert's result for a token, from all its parts; nothing where there is no slot."""
    has = slot >= 0
    own = parts + tl.maximum(slot, 0).to(tl.int64) * hidden + column
    result = tl.load(own, has, other=0.0).to(tl.float32)
    is_cut = slot // capacity * (hidden // 256) + column // 256 >= num_whole
    for part in tl.static_range(1, PARTS):
        more = tl.load(own + part * lines.to(tl.int64) * hidden, has & is_cut, other=0.0)
        result += more.to(tl.float32)
    return result


@triton.jit
def _add_kernel(
    out, parts, order, counts, slots, shares, lines, capacity, hidden, num_whole,
    CHOICES: tl.constexpr, PARTS: tl.constexpr, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    # A block for each line of the experts, not for each token: most tokens have none.
    line = tl.program_id(0)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    if line % capacity < tl.load(counts + line // capacity):
        token = tl.load(order + line)
        # A token with several is left to the first of its lines.
        first = line
        for choice in tl.static_range(CHOICES):
            slot = tl.load(slots + token * CHOICES + choice)
            first = tl.where(slot >= 0, tl.minimum(first, slot), first)
        if first == line:
            at = out + token.to(tl.int64) * hidden + column
            total = tl.load(at).to(tl.float32)
            for choice in tl.static_range(CHOICES):
                slot = tl.load(slots + token * CHOICES + choice)
                share = tl.load(shares + token * CHOICES + choice)
                total += share * _result(
                    parts, slot, column, lines, capacity, hidden, num_whole, PARTS
                )
            tl.store(at, total.to(tl.bfloat16))


def add_routed(
    out: Tensor, parts: Tensor, dispatch: Dispatch, shares: Tensor, num_whole: int
) -> None:
    """Adds what routed experts have for each token; tokens that have none are left alone.

    Args:
        out: (tokens, hidden) bfloat16, hidden a multiple of 1,024; changed in place.
        parts: (parts, experts * capacity, hidden) bfloat16. Tiles of 256 columns, counted expert
            by expert, from `num_whole` on are sums over all parts; others stand in the first.
        dispatch: The experts' tokens.
        shares: (tokens, choices) float32: the router's weights.
        num_whole: Tiles that are not cut.
    """
    num_parts, lines, hidden = parts.shape
    order, counts, slots = dispatch
    overlap = can_overlap(out.device)
    _add_kernel[(lines, hidden // 1024)](
        out, parts, order, counts, slots, shares, lines, order.shape[1], hidden, num_whole,
        CHOICES=slots.shape[1], PARTS=num_parts, COLUMNS=1024, OVERLAP=overlap,
        num_warps=4, launch_pdl=overlap,
    )  # fmt: skip
