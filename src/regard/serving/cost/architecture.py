"""A decoder as the cost model sees it."""

from __future__ import annotations

from dataclasses import dataclass

from regard.serving.cost.attention import AttentionLayers, linear_flops
from regard.serving.cost.derivation import Derivation
from regard.serving.cost.errors import CostError
from regard.serving.cost.feed_forward import FeedForwardLayers, MoeFeedForward
from regard.serving.cost.precision import Precision


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Layers by kind, and the formats they are served in."""

    name: str
    """How it is asked for, such as `step3`."""

    hidden: int
    """Width of the residual."""

    vocab: int
    """Rows of the embedding."""

    tied: bool
    """Whether the output head is the embedding."""

    attention: tuple[AttentionLayers, ...]
    """Attention layers, one entry a kind."""

    feed_forward: tuple[FeedForwardLayers, ...]
    """Feed-forward layers, one entry a kind."""

    weight_precision: Precision
    """Format of the weights, and of the arithmetic on them."""

    attention_precision: Precision
    """Format of the arithmetic on the cache."""

    assumptions: tuple[str, ...] = ()
    """What the configuration leaves open and how it was read."""

    def __post_init__(self) -> None:
        """Refuses a model whose halves disagree on the number of layers."""
        halves = [sum(each.layers for each in half) for half in (self.attention, self.feed_forward)]
        if halves[0] != halves[1] or halves[0] < 1:
            raise CostError(
                f"{self.name}: {halves[0]} attention layers and {halves[1]} feed-forward layers; "
                "a decoder has as many of one as of the other"
            )

    @property
    def layers(self) -> int:
        """Decoder layers."""
        return sum(each.layers for each in self.attention)

    @property
    def families(self) -> tuple[str, ...]:
        """Kinds of attention."""
        return tuple(each.family for each in self.attention)

    @property
    def moe(self) -> MoeFeedForward | None:
        """The layers with experts; None in a dense model."""
        found = [each for each in self.feed_forward if isinstance(each, MoeFeedForward)]
        return found[0] if found else None

    @property
    def attention_parameters(self) -> int:
        """Weights of all attention layers."""
        return sum(
            each.layers * projection.inputs * projection.outputs
            for each in self.attention
            for projection in each.projections()
        )

    @property
    def head_parameters(self) -> int:
        """Weights of the output head."""
        return self.vocab * self.hidden

    @property
    def parameters(self) -> int:
        """All weights; norms and biases (under 0.1 %) and MTP layers are left out."""
        embeddings = self.head_parameters * (1 if self.tied else 2)
        inner = sum(each.parameters() for each in self.feed_forward)
        return self.attention_parameters + inner + embeddings

    @property
    def active_parameters(self) -> int:
        """Weights that one token meets; the input embedding is a look-up and is left out."""
        inner = sum(each.active_parameters() for each in self.feed_forward)
        return self.attention_parameters + inner + self.head_parameters

    def kv_bytes(self, context: int) -> Derivation:
        """Cache bytes moved for one token."""
        _require_context(context)
        terms = tuple(term for each in self.attention for term in each.kv_bytes(context))
        return Derivation(name="KV bytes", unit="B", terms=terms)

    def cached_bytes(self, context: int) -> float:
        """Cache bytes kept for one sequence."""
        _require_context(context)
        return sum(each.cached_bytes(context) for each in self.attention)

    def attention_flops(self, context: int) -> Derivation:
        """Operations on the cache for one token."""
        _require_context(context)
        terms = tuple(term for each in self.attention for term in each.attention_flops(context))
        return Derivation(name="attention FLOPs", unit="FLOP", terms=terms)

    def linear_flops(self) -> Derivation:
        """Operations of the attention projections for one token."""
        terms = tuple(term for each in self.attention for term in linear_flops(each))
        return Derivation(name="linear FLOPs", unit="FLOP", terms=terms)

    def ffn_flops(self) -> Derivation:
        """Operations of the feed-forward layers for one token."""
        terms = tuple(term for each in self.feed_forward for term in each.flops())
        return Derivation(name="FFN FLOPs", unit="FLOP", terms=terms)

    def intensity(self, context: int) -> float:
        """Operations on the cache for each byte of it, FLOP/B."""
        return self.attention_flops(context).value / self.kv_bytes(context).value


def _require_context(context: int) -> None:
    if context < 1:
        raise CostError(f"context is {context}; give a number of tokens, 1 or more")
