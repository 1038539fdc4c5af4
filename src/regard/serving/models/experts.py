"""The routed experts of one layer, or those that one shard holds."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.models.layers import SwiGLU
from regard.serving.models.linear import make_multiply
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, dense, take_columns, take_rows
from regard.serving.models.shard import WHOLE, FeedForwardShard


class Experts:
    """Weighted sum of the experts that a row was routed to; experts held elsewhere add nothing."""

    def __init__(
        self,
        stacks: Sequence[LoadedTensor],
        numerics: Numerics,
        shard: FeedForwardShard = WHOLE,
    ) -> None:
        """Take gate, up (experts, inner, hidden) and down (experts, hidden, inner) stacks."""
        gates, ups, downs = (dense(stack) for stack in stacks)
        inner = shard.expert_inner(gates.shape[1], stacks)
        self._activate = SwiGLU(numerics)
        self._experts = {}
        for expert in shard.experts(gates.shape[0]):
            gate_up = [take_rows(gates[expert], inner), take_rows(ups[expert], inner)]
            down = take_columns(downs[expert], inner)
            self._experts[expert] = (
                make_multiply(gate_up, numerics),
                make_multiply([down], numerics),
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
