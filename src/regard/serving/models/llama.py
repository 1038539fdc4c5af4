"""The Llama family: RMSNorm, RoPE, grouped-query attention, SwiGLU."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import LayerCache, PagedAttention
from regard.serving.models.config import ModelConfig
from regard.serving.models.forward_batch import AdapterRows, ForwardBatch
from regard.serving.models.layers import Embedding, RMSNorm, SwiGLU
from regard.serving.models.linear import Linear
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, dense
from regard.serving.models.rope import rope_tables

Tensors = Mapping[str, LoadedTensor]


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


class Llama:
    """Embedding, layers as (attention, feed-forward) pairs, final norm, head."""

    def __init__(self, config: ModelConfig, tensors: Tensors, numerics: Numerics) -> None:
        self.config = config
        rope = rope_tables(
            head_dim=config.head_dim,
            theta=config.rope_theta,
            scaling=config.rope_scaling,
            max_positions=config.max_position_embeddings,
        )
        rope = (rope[0].to(numerics.device), rope[1].to(numerics.device))
        self._embed = Embedding(tensors["model.embed_tokens.weight"], numerics)
        prefixes = [f"model.layers.{i}" for i in range(config.num_layers)]
        self.layers = [
            (
                LlamaAttention(config, tensors, prefix, rope, numerics),
                LlamaFeedForward(config, tensors, prefix, numerics),
            )
            for prefix in prefixes
        ]
        self._norm = RMSNorm(dense(tensors["model.norm.weight"]), config.rms_norm_eps, numerics)
        head = "model.embed_tokens" if config.tie_word_embeddings else "lm_head"
        self._head = make_linear([head], tensors, numerics)

    def forward(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows."""
        hidden = self._embed(batch.token_ids)
        for (attention, feed_forward), cache in zip(self.layers, caches, strict=True):
            hidden = attention(hidden, cache, batch)
            hidden = feed_forward(hidden, batch.adapters)
        return self._head(self._norm(hidden[batch.sample_rows])).float()


def make_linear(names: Sequence[str], tensors: Tensors, numerics: Numerics) -> Linear:
    """A linear layer of the named modules, with their biases where the checkpoint has them."""
    weights = [(f"{name}.weight", tensors[f"{name}.weight"]) for name in names]
    biases = [tensors.get(f"{name}.bias") for name in names]
    parts = [dense(bias).float() for bias in biases if bias is not None]
    return Linear(weights, numerics, torch.cat(parts) if len(parts) == len(names) else None)
