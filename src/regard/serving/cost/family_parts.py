"""The parts that several families read alike."""

from __future__ import annotations

from dataclasses import dataclass

from regard.serving.cost.attention import AttentionLayers
from regard.serving.cost.config_reader import ConfigReader
from regard.serving.cost.errors import CostError
from regard.serving.cost.feed_forward import DenseFeedForward, FeedForwardLayers, MoeFeedForward
from regard.serving.cost.grouped_query_attention import GroupedQueryAttention
from regard.serving.cost.precision import Precision


@dataclass(frozen=True, kw_only=True)
class CachePrecisions:
    """Formats of what attention keeps."""

    full: Precision
    """Keys and values of layers that see everything, and latents."""

    window: Precision
    """Keys and values of layers with a window."""

    state: Precision
    """The state of linear attention."""


Attention = tuple[AttentionLayers, ...]
FeedForward = tuple[FeedForwardLayers, ...]


def grouped(
    config: ConfigReader,
    layers: int,
    precision: Precision,
    *,
    window: int | None = None,
    query_rank: int | None = None,
    kv_heads_key: str = "num_key_value_heads",
) -> GroupedQueryAttention:
    """Grouped-query layers of one kind."""
    hidden, heads = config.whole("hidden_size"), config.whole("num_attention_heads")
    head_dim = config.whole_or("head_dim", hidden // heads, "hidden_size / num_attention_heads")
    return GroupedQueryAttention(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=config.whole(kv_heads_key),
        key_dim=head_dim,
        value_dim=head_dim,
        kv_precision=precision,
        window=window,
        query_rank=query_rank,
    )


def dense(config: ConfigReader, layers: int, key: str = "intermediate_size") -> FeedForward:
    """Dense layers, or nothing where there are none."""
    if layers == 0:
        return ()
    hidden = config.whole("hidden_size")
    return (DenseFeedForward(layers=layers, hidden=hidden, intermediate=config.whole(key)),)


def local_experts(config: ConfigReader, layers: int, *, shared_width: int = 0) -> MoeFeedForward:
    """Layers with experts under the keys of Mixtral, which several families took over."""
    return moe(
        config,
        layers,
        experts_key="num_local_experts",
        active_key="num_experts_per_tok",
        width_key="intermediate_size",
        shared_width=shared_width,
    )


def moe(
    config: ConfigReader,
    layers: int,
    *,
    experts_key: str,
    active_key: str,
    width_key: str,
    shared_width: int = 0,
) -> MoeFeedForward:
    """Layers with experts.

    Raises:
        CostError: More experts are active than there are.
    """
    experts, active = config.whole(experts_key), config.whole(active_key)
    if active > experts:
        raise CostError(f"{active_key} is {active}, but {experts_key} is {experts}")
    return MoeFeedForward(
        layers=layers,
        hidden=config.whole("hidden_size"),
        intermediate=config.whole(width_key),
        experts=experts,
        active=active,
        shared_intermediate=shared_width,
    )
