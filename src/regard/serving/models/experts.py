"""The routed experts of one layer, or those that one shard holds."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.models.layers import SwiGLU
from regard.serving.models.linear import make_multiply
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import (
    LoadedTensor,
    take_columns,
    take_expert,
    take_rows,
)
from regard.serving.models.random_tensors import RandomStack, RandomTensors
from regard.serving.models.shard import WHOLE, FeedForwardShard

Stack = LoadedTensor | RandomStack


def open_stack(tensors: Mapping[str, LoadedTensor], name: str) -> Stack:
    """A stack of experts of which nothing has been read or drawn yet."""
    return tensors.stack(name) if isinstance(tensors, RandomTensors) else tensors[name]


def _expert(stack: Stack, index: int) -> LoadedTensor:
    return stack.draw(index) if isinstance(stack, RandomStack) else take_expert(stack, index)


class Experts:
    """Weighted sum of the experts that a row was routed to; experts held elsewhere add nothing."""

    def __init__(
        self,
        stacks: Sequence[Stack],
        numerics: Numerics,
        shard: FeedForwardShard = WHOLE,
    ) -> None:
        """Take gate, up (experts, inner, hidden) and down (experts, hidden, inner) stacks."""
        num_experts, width = stacks[0].shape[:2]
        stored = [stack for stack in stacks if not isinstance(stack, RandomStack)]
        inner = shard.expert_inner(width, stored)
        self._activate = SwiGLU(numerics)
        self._experts = {}
        # One expert after another: of a mapped stack, no more than this shard's part is read.
        for index in shard.experts(num_experts):
            gate, up, down = (_expert(stack, index) for stack in stacks)
            self._experts[index] = (
                make_multiply([take_rows(gate, inner), take_rows(up, inner)], numerics),
                make_multiply([take_columns(down, inner)], numerics),
            )

    def __call__(
        self,
        x: Float[Tensor, "rows hidden"],
        ids: Int[Tensor, "rows k"],
        weights: Float[Tensor, "rows k"],
    ) -> Float[Tensor, "rows hidden"]:
        """Sum over each row's experts, accumulated in float32."""
        # Slot by slot, so that a row's sum has one order whatever the other rows chose.
        parts = torch.zeros(*ids.shape, x.shape[1], device=x.device)
        for expert in sorted(self._experts.keys() & set(ids.flatten().tolist())):
            rows, slots = (ids == expert).nonzero(as_tuple=True)
            gate_up, down = self._experts[expert]
            parts[rows, slots] = down(self._activate(gate_up(x[rows]))).float()
        weighted = parts * weights[:, :, None]
        total = weighted[:, 0]
        for slot in range(1, ids.shape[1]):
            total = total + weighted[:, slot]
        return total.to(x.dtype)
