"""What the feed-forward layers of one kind hold and compute for one decoded token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from regard.serving.cost.derivation import UNSAID_RULE, Term, term

# Gate, up and down: every family read here has a gated feed-forward.
MATRICES = 3


class FeedForwardLayers(Protocol):
    """The feed-forward layers of one kind."""

    @property
    def layers(self) -> int:
        """How many layers are of this kind."""

    def flops(self) -> tuple[Term, ...]:
        """Operations for one token of all these layers."""

    def parameters(self) -> int:
        """Weights of all these layers."""

    def active_parameters(self) -> int:
        """Weights that one token meets."""


@dataclass(frozen=True, kw_only=True)
class DenseFeedForward:
    """Layers in which every token meets every weight."""

    layers: int
    """Layers of this kind."""

    hidden: int
    """Width of the residual."""

    intermediate: int
    """Inner width."""

    def flops(self) -> tuple[Term, ...]:
        """Three matrices a layer."""
        return (
            term(
                "dense feed-forward",
                ("matrices", MATRICES),
                ("hidden", self.hidden),
                ("intermediate", self.intermediate),
                ("layers", self.layers),
                scale=2,
            ),
        )

    def parameters(self) -> int:
        """All of them."""
        return MATRICES * self.hidden * self.intermediate * self.layers

    def active_parameters(self) -> int:
        """All of them."""
        return self.parameters()


@dataclass(frozen=True, kw_only=True)
class MoeFeedForward:
    """Layers with a router, experts, and possibly a shared expert that every token meets."""

    layers: int
    """Layers of this kind."""

    hidden: int
    """Width of the residual."""

    intermediate: int
    """Inner width of a routed expert."""

    experts: int
    """Routed experts."""

    active: int
    """Routed experts that a token meets."""

    shared_intermediate: int
    """Inner width of the shared experts together; 0 without one."""

    @property
    def sparsity(self) -> float:
        """Share of the expert weights that a token meets, shared experts included."""
        shared = self.shared_intermediate / self.intermediate
        return (self.active + shared) / (self.experts + shared)

    @property
    def active_width(self) -> int:
        """Inner width that a token meets."""
        return self.active * self.intermediate + self.shared_intermediate

    def flops(self) -> tuple[Term, ...]:
        """The experts a token meets."""
        return (
            term(
                "routed and shared experts",
                ("matrices", MATRICES),
                ("hidden", self.hidden),
                ("active intermediate", self.active_width),
                ("layers", self.layers),
                scale=2,
                rule=f"the router is not counted; {UNSAID_RULE}",
            ),
        )

    def parameters(self) -> int:
        """Experts and router."""
        inner = self.experts * self.intermediate + self.shared_intermediate
        return (MATRICES * inner + self.experts) * self.hidden * self.layers

    def active_parameters(self) -> int:
        """Active experts and router."""
        return (MATRICES * self.active_width + self.experts) * self.hidden * self.layers
