"""Routing in plain torch."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Dispatch(NamedTuple):
    """The tokens of the experts that one GPU owns."""

    order: Int[Tensor, "owned capacity"]
    """Tokens of each expert in ascending order; what stands behind them is not defined."""

    counts: Int[Tensor, " owned"]
    """How many there are."""

    slots: Int[Tensor, "tokens choices"]
    """Where a choice's result stands (expert * capacity + place), or -1: another GPU's expert."""


def route_reference(
    normed: Float[Tensor, "tokens hidden"], router: Float[Tensor, "experts hidden"], choices: int
) -> tuple[Int[Tensor, "tokens choices"], Float[Tensor, "tokens choices"]]:
    """Softmax over all experts, then the largest, not renormalised."""
    shares = (normed.float() @ router.float().T).softmax(dim=1)
    weights, chosen = shares.topk(choices, dim=1)
    return chosen.int(), weights


def dispatch_reference(
    chosen: Int[Tensor, "tokens choices"], num_groups: int, owned: int, capacity: int
) -> Dispatch:
    """The tokens of the busiest of `num_groups` GPUs; GPU g owns experts g, g + num_groups, ...

    Raises:
        ValueError: An expert has more tokens than `capacity`.
    """
    per_group = torch.bincount(chosen.flatten().long() % num_groups, minlength=num_groups)
    group = int(per_group.argmax())
    order = chosen.new_zeros(owned, capacity)
    counts = chosen.new_zeros(owned)
    slots = torch.full_like(chosen, -1)
    for index in range(owned):
        token, choice = torch.nonzero(chosen == group + index * num_groups, as_tuple=True)
        if len(token) > capacity:
            raise ValueError(f"an expert with {len(token)} tokens; there is room for {capacity}")
        order[index, : len(token)] = token.int()
        counts[index] = len(token)
        slots[token, choice] = (
            torch.arange(len(token), device=token.device).int() + index * capacity
        )
    return Dispatch(order, counts, slots)
