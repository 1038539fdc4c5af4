"""What the kinds of attention keep of a token and what a decoded token costs them."""

from dataclasses import dataclass

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

    Counted as in the cost analysis of arXiv:2507.19427: norms, rotation and softmax are left out.
    """
    hidden, heads = config.hidden_size, config.num_heads
    if isinstance(config, MlaConfig):
        # The rotated part is multiplied with the probabilities too, and its result dropped.
        return AttentionCost(config.latent_dim, heads * config.latent_dim * 4, _mla_linear(config))
    outer, kept = heads * config.head_dim, 2 * config.num_kv_heads * config.head_dim
    query = hidden * outer
    if isinstance(config, Step3Config):
        query = (hidden + outer) * config.query_low_rank
    return AttentionCost(kept, outer * 4, 2 * (query + hidden * kept + outer * hidden))


def _mla_linear(config: MlaConfig) -> int:
    hidden, heads, rank = config.hidden_size, config.num_heads, config.query_low_rank
    queries = heads * (config.nope_dim + config.rope_dim)
    query = hidden * queries if rank is None else (hidden + queries) * rank
    absorbed = heads * config.kv_low_rank * (config.nope_dim + config.value_dim)
    out = heads * config.value_dim * hidden
    return 2 * (query + hidden * config.latent_dim + absorbed + out)
