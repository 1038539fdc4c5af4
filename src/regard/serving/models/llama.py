"""The Llama family: RMSNorm, RoPE, grouped-query attention, SwiGLU."""

from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import LayerCache, PagedAttention
from regard.serving.models.config import ModelConfig
from regard.serving.models.decoder import AttentionSide, Tensors, make_linear, swiglu_tensors
from regard.serving.models.feed_forward import DenseFeedForward, FeedForward, PostAttention
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.layers import RMSNorm
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense
from regard.serving.models.shard import WHOLE, FeedForwardShard


class LlamaAttention:
    """The attention half of a layer: residual + o(attention(qkv(norm(residual))))."""

    def __init__(
        self,
        config: ModelConfig,
        tensors: Tensors,
        prefix: str,
        rope: tuple[Tensor, Tensor],
        numerics: Numerics,
    ) -> None:
        weight = dense(tensors[f"{prefix}.input_layernorm.weight"])
        self._norm = RMSNorm(weight, config.rms_norm_eps, numerics)
        names = [f"{prefix}.self_attn.{part}_proj" for part in "qkv"]
        self._qkv = make_linear(names, tensors, numerics)
        self._out = make_linear([f"{prefix}.self_attn.o_proj"], tensors, numerics)
        self._attend = PagedAttention(
            num_heads=config.num_heads,
            num_kv_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            rope=rope,
            numerics=numerics,
        )

    def __call__(
        self, residual: Float[Tensor, "rows hidden"], cache: LayerCache, batch: ForwardBatch
    ) -> Float[Tensor, "rows hidden"]:
        """Attend over the cache, which gains this batch's keys and values."""
        qkv = self._qkv(self._norm(residual), batch.adapters)
        attended = self._attend(qkv, cache, batch)
        return residual + self._out(attended, batch.adapters)


def build_llama_side(
    config: ModelConfig,
    layer: int,
    tensors: Tensors,
    rope: tuple[Tensor, Tensor],
    numerics: Numerics,
) -> AttentionSide:
    """What attention's side holds of one layer."""
    prefix = f"model.layers.{layer}"
    weight = dense(tensors[f"{prefix}.post_attention_layernorm.weight"])
    norm = RMSNorm(weight, config.rms_norm_eps, numerics)
    attention = LlamaAttention(config, tensors, prefix, rope, numerics)
    return AttentionSide(attention, PostAttention(norm))


def build_llama_feed_forward(
    layer: int, tensors: Tensors, numerics: Numerics, shard: FeedForwardShard = WHOLE
) -> FeedForward:
    """One layer's feed-forward, or a shard of it."""
    return DenseFeedForward(swiglu_tensors(tensors, f"model.layers.{layer}.mlp"), numerics, shard)
