"""What the kinds of attention keep of a token and what a decoded token costs them."""

from dataclasses import dataclass

from regard.serving.cost.attention import linear_flops
from regard.serving.cost.grouped_query_attention import GroupedQueryAttention
from regard.serving.cost.latent_attention import LatentAttention
from regard.serving.cost.precision import Precision
from regard.serving.models.config import ModelConfig
from regard.serving.models.mla_config import MlaConfig
from regard.serving.models.step3_config import Step3Config


@dataclass(frozen=True)
class AttentionCost:
    """Of one layer."""

    cache_elements: int
    """Numbers kept of a token."""
    flops_per_visible_token: int
    """Floating-point operations of a decoded token for each token that it sees; a multiplication
    and an addition are two."""
    linear_flops: int
    """Those of a decoded token in the projections."""

    def cache_bytes(self, context: int, *, bytes_each: float) -> float:
        """Bytes of keys and values that a decoded token reads."""
        return self.cache_elements * context * bytes_each

    def attention_flops(self, context: int) -> int:
        """Floating-point operations of a decoded token over its context."""
        return self.flops_per_visible_token * context


def attention_cost(config: ModelConfig) -> AttentionCost:
    """The cost of MLA, MFA or grouped queries, by the kind of configuration.

    Counted by `regard.serving.cost`, as in the cost analysis of arXiv:2507.19427.
    """
    layer = _layer(config)
    # Elements of one byte, and a context of one token.
    (elements,), (per_token,) = layer.kv_bytes(1), layer.attention_flops(1)
    linear = sum(each.value for each in linear_flops(layer))
    return AttentionCost(int(elements.value), int(per_token.value), int(linear))


def _layer(config: ModelConfig) -> LatentAttention | GroupedQueryAttention:
    if isinstance(config, MlaConfig):
        return LatentAttention(
            layers=1,
            hidden=config.hidden_size,
            heads=config.num_heads,
            query_rank=config.query_low_rank,
            kv_rank=config.kv_low_rank,
            rope_dim=config.rope_dim,
            nope_dim=config.nope_dim,
            value_dim=config.value_dim,
            kv_precision=Precision.FP8,
        )
    return GroupedQueryAttention(
        layers=1,
        hidden=config.hidden_size,
        heads=config.num_heads,
        kv_heads=config.num_kv_heads,
        key_dim=config.head_dim,
        value_dim=config.head_dim,
        kv_precision=Precision.FP8,
        query_rank=config.query_low_rank if isinstance(config, Step3Config) else None,
    )
