"""The Llama family: RMSNorm, RoPE, grouped-query attention, SwiGLU."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import LayerCache, PagedAttention
from regard.serving.models.config import ModelConfig
from regard.serving.models.decoder import Decoder, Layer, Tensors, make_linear, model_rope
from regard.serving.models.forward_batch import AdapterRows, ForwardBatch
from regard.serving.models.layers import RMSNorm, SwiGLU
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense


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


class LlamaFeedForward:
    """The feed-forward half: residual + down(silu(gate) * up)."""

    def __init__(
        self, config: ModelConfig, tensors: Tensors, prefix: str, numerics: Numerics
    ) -> None:
        weight = dense(tensors[f"{prefix}.post_attention_layernorm.weight"])
        self._norm = RMSNorm(weight, config.rms_norm_eps, numerics)
        names = [f"{prefix}.mlp.gate_proj", f"{prefix}.mlp.up_proj"]
        self._gate_up = make_linear(names, tensors, numerics)
        self._activate = SwiGLU(numerics)
        self._down = make_linear([f"{prefix}.mlp.down_proj"], tensors, numerics)

    def __call__(
        self, residual: Float[Tensor, "rows hidden"], adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows hidden"]:
        """Add the feed-forward output; keeps no state of any request."""
        gate_up = self._gate_up(self._norm(residual), adapters)
        return residual + self._down(self._activate(gate_up), adapters)


def build_llama(config: ModelConfig, tensors: Tensors, numerics: Numerics) -> Decoder:
    """A Llama-family model."""
    rope = model_rope(config, numerics)
    prefixes = [f"model.layers.{layer}" for layer in range(config.num_layers)]
    layers = [
        Layer(
            LlamaAttention(config, tensors, prefix, rope, numerics),
            LlamaFeedForward(config, tensors, prefix, numerics),
        )
        for prefix in prefixes
    ]
    return Decoder(config, tensors, layers, numerics)
