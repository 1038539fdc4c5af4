"""The feed-forward half of a layer, in the two pieces that may stand on different machines.

Where attention is, `PostAttention` normalises the residual and routes it to experts. What goes on
from there is a `FeedForwardInput`; a `FeedForward` turns it into an output and keeps no state of
any request, so it may be cut into shards whose outputs add up.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.models.experts import Experts
from regard.serving.models.forward_batch import AdapterRows
from regard.serving.models.layers import RMSNorm, SwiGLU
from regard.serving.models.linear import Linear
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, take_columns, take_rows
from regard.serving.models.router import Router
from regard.serving.models.shard import WHOLE, FeedForwardShard


class FeedForwardInput(NamedTuple):
    """What attention hands to the feed-forward."""

    x: Float[Tensor, "rows hidden"]
    """Normalised rows."""
    expert_ids: Int[Tensor, "rows k"]
    """The routed experts of each row (int64); -1 is none. k is 0 in a dense layer."""
    expert_weights: Float[Tensor, "rows k"]
    """What each expert's output is multiplied by (float32)."""


@runtime_checkable
class FeedForward(Protocol):
    """Rows to rows; no state."""

    def __call__(
        self, rows: FeedForwardInput, adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows hidden"]:
        """What is added to the residual; of a shard, its share of it."""
        ...


class PostAttention:
    """What attention's side does after attention: norm, and in a MoE layer the router."""

    def __init__(self, norm: RMSNorm, router: Router | None = None) -> None:
        self._norm = norm
        self._router = router

    def __call__(self, residual: Float[Tensor, "rows hidden"]) -> FeedForwardInput:
        """Normalise and route each row."""
        x = self._norm(residual)
        if self._router is None:
            none = torch.empty(x.shape[0], 0, device=x.device)
            return FeedForwardInput(x, none.long(), none)
        weights, ids = self._router(x)
        return FeedForwardInput(x, ids, weights)


class DenseFeedForward:
    """down(silu(gate) * up), or the share of it that a shard holds: some of the inner width."""

    def __init__(
        self,
        tensors: Sequence[tuple[str, LoadedTensor]],
        numerics: Numerics,
        shard: FeedForwardShard = WHOLE,
    ) -> None:
        """Take the named gate, up and down matrices."""
        (gate_name, gate), (up_name, up), (down_name, down) = tensors
        inner = shard.inner(gate.shape[0], [gate, up, down])
        gate, up, down = take_rows(gate, inner), take_rows(up, inner), take_columns(down, inner)
        self._gate_up = Linear([(gate_name, gate), (up_name, up)], numerics)
        self._activate = SwiGLU(numerics)
        self._down = Linear([(down_name, down)], numerics)

    def __call__(
        self, rows: FeedForwardInput, adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows hidden"]:
        """Feed each row forward."""
        return self._down(self._activate(self._gate_up(rows.x, adapters)), adapters)


class MixtureOfExperts:
    """The shared expert, plus the routed experts' weighted sum."""

    def __init__(self, shared: DenseFeedForward, experts: Experts) -> None:
        self._shared = shared
        self._experts = experts

    def __call__(
        self, rows: FeedForwardInput, adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows hidden"]:
        """Both, added."""
        return self._shared(rows, adapters) + self._experts(*rows)
