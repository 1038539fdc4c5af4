# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Routing for GPUs (Triton): the host takes no part in it."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from regard.serving.kernels.routing.reference import Dispatch

TOKENS = tl.constexpr(16)
STEP = tl.constexpr(128)
NONE = tl.constexpr(-1e30)


@triton.jit
def _router_kernel(
    normed, router, logits, num_tokens, num_experts, hidden, columns_a_split,
    EXPERTS: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    expert = tl.arange(0, EXPERTS)
    begin = tl.program_id(1) * columns_a_split
    acc = tl.zeros([TOKENS, EXPERTS], tl.float32)
    for start in range(begin, begin + columns_a_split, STEP):
        column = start + tl.arange(0, STEP)
        at = normed + token.to(tl.int64)[:, None] * hidden + column[None, :]
        x = tl.load(at, (token < num_tokens)[:, None], other=0.0)
        at = router + expert[None, :] * hidden + column[:, None]
        w = tl.load(at, (expert < num_experts)[None, :], other=0.0)
        acc = tl.dot(x, w, acc)
    at = logits + tl.program_id(1).to(tl.int64) * num_tokens * EXPERTS
    at += token[:, None] * EXPERTS + expert[None, :]
    tl.store(at, acc, (token < num_tokens)[:, None])


@triton.jit
def _choose_kernel(
    logits, chosen, weights, num_tokens, num_experts,
    EXPERTS: tl.constexpr, SPLITS: tl.constexpr, CHOICES: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0)
    expert = tl.arange(0, EXPERTS)
    total = tl.zeros([EXPERTS], tl.float32)
    for split in tl.static_range(SPLITS):
        total += tl.load(logits + (split * num_tokens + token) * EXPERTS + expert)
    total = tl.where(expert < num_experts, total, NONE)
    exponentials = tl.exp(total - tl.max(total, 0))
    shares = exponentials / tl.sum(exponentials, 0)
    for choice in tl.static_range(CHOICES):
        best = tl.argmax(shares, 0)
        tl.store(chosen + token * CHOICES + choice, best)
        tl.store(weights + token * CHOICES + choice, tl.max(shares, 0))
        shares = tl.where(expert == best, NONE, shares)


@triton.jit
def _dispatch_kernel(
    chosen, order, counts, slots, most, num_choices, capacity,
    CHOICES: tl.constexpr, PLACES: tl.constexpr, GROUPS: tl.constexpr, OWNED: tl.constexpr,
):  # fmt: skip
    place = tl.arange(0, PLACES)
    inside = place < num_choices
    expert = tl.load(chosen + place, inside, other=0)
    per_group = tl.histogram(expert % GROUPS, GROUPS, mask=inside)
    group = tl.argmax(per_group, 0)
    slot = tl.full([PLACES], -1, tl.int32)
    for owned in tl.static_range(OWNED):
        mine = (inside & (expert == group + owned * GROUPS)).to(tl.int32)
        at = tl.cumsum(mine, 0) - mine
        count = tl.sum(mine, 0)
        tl.atomic_max(most, count)
        tl.store(counts + owned, tl.minimum(count, capacity))
        fits = (mine > 0) & (at < capacity)
        tl.store(order + owned * capacity + at, place // CHOICES, fits)
        slot = tl.where(fits, owned * capacity + at, slot)
    tl.store(slots + place, slot, inside)


class Router:
    """Room for one batch's routing, at places that a captured graph may keep."""

    NUM_SPLITS = 14

    def __init__(self, num_tokens: int, router: Tensor) -> None:
        """For a (experts, hidden) bfloat16 router."""
        num_experts, hidden = router.shape
        self._padded = triton.next_power_of_2(num_experts)
        self._columns = hidden // self.NUM_SPLITS
        if self._columns * self.NUM_SPLITS != hidden or self._columns % 128:
            raise ValueError(f"a hidden size of {hidden}; give a multiple of {128 * 14}")
        shape = (self.NUM_SPLITS, num_tokens, self._padded)
        self._logits = torch.empty(shape, dtype=torch.float32, device=router.device)

    def route(
        self,
        normed: Tensor,
        router: Tensor,
        chosen: Tensor,
        weights: Tensor,
    ) -> None:
        """As the reference.

        Args:
            normed: (tokens, hidden) bfloat16.
            router: (experts, hidden) bfloat16.
            chosen: (tokens, choices) int32, written.
            weights: (tokens, choices) float32, written.
        """
        num_tokens, hidden = normed.shape
        _router_kernel[(triton.cdiv(num_tokens, 16), self.NUM_SPLITS)](
            normed, router, self._logits, num_tokens, router.shape[0], hidden, self._columns,
            EXPERTS=self._padded, num_warps=4, num_stages=3,
        )  # fmt: skip
        _choose_kernel[(num_tokens,)](
            self._logits, chosen, weights, num_tokens, router.shape[0],
            EXPERTS=self._padded, SPLITS=self.NUM_SPLITS, CHOICES=chosen.shape[1],
            num_warps=1,
        )  # fmt: skip


def dispatch_gpu(chosen: Tensor, num_groups: int, room: Dispatch, most: Tensor) -> None:
    """As the reference, into `room`.

    Args:
        chosen: (tokens, choices) int32.
        num_groups: GPUs, a power of two; GPU g owns experts g, g + num_groups, ...
        room: Written.
        most: (1,) int32: becomes the most tokens that an expert had so far. What is beyond the
            room's capacity is left out, so whoever reads the results must check it.
    """
    owned, capacity = room.order.shape
    _dispatch_kernel[(1,)](
        chosen, room.order, room.counts, room.slots, most, chosen.numel(), capacity,
        CHOICES=chosen.shape[1], PLACES=triton.next_power_of_2(chosen.numel()),
        GROUPS=num_groups, OWNED=owned, num_warps=16,
    )  # fmt: skip
