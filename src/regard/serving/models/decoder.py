"""What every decoder-only model has around its layers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import LayerCache
from regard.serving.models.config import ModelConfig
from regard.serving.models.forward_batch import AdapterRows, ForwardBatch
from regard.serving.models.layers import Embedding, RMSNorm
from regard.serving.models.linear import Linear
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, dense
from regard.serving.models.rope import rope_tables

Tensors = Mapping[str, LoadedTensor]


class AttentionHalf(Protocol):
    """Reads and extends the KV cache; keeps the residual."""

    def __call__(self, residual: Tensor, cache: LayerCache, batch: ForwardBatch) -> Tensor:
        """The residual (rows, hidden) after attention."""
        ...


class FeedForwardHalf(Protocol):
    """Sees rows alone and keeps no state of any request: it may stand on another machine."""

    def __call__(self, residual: Tensor, adapters: Sequence[AdapterRows] = ()) -> Tensor:
        """The residual (rows, hidden) after the feed-forward."""
        ...


class Layer(NamedTuple):
    """The two halves of a layer."""

    attention: AttentionHalf
    """The half with the KV cache."""
    feed_forward: FeedForwardHalf
    """The half without state."""


class Decoder:
    """Embedding, layers, final norm, head."""

    def __init__(
        self, config: ModelConfig, tensors: Tensors, layers: Sequence[Layer], numerics: Numerics
    ) -> None:
        self.config = config
        self.layers = tuple(layers)
        self._embed = Embedding(tensors["model.embed_tokens.weight"], numerics)
        self._norm = RMSNorm(dense(tensors["model.norm.weight"]), config.rms_norm_eps, numerics)
        head = "model.embed_tokens" if config.tie_word_embeddings else "lm_head"
        self._head = make_linear([head], tensors, numerics)

    def forward(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows."""
        hidden = self._embed(batch.token_ids)
        for layer, cache in zip(self.layers, caches, strict=True):
            hidden = layer.attention(hidden, cache, batch)
            hidden = layer.feed_forward(hidden, batch.adapters)
        return self._head(self._norm(hidden[batch.sample_rows])).float()


def model_rope(config: ModelConfig, numerics: Numerics) -> tuple[Tensor, Tensor]:
    """The model's rotary tables, on its device."""
    cos, sin = rope_tables(
        head_dim=config.head_dim,
        theta=config.rope_theta,
        scaling=config.rope_scaling,
        max_positions=config.max_position_embeddings,
    )
    return cos.to(numerics.device), sin.to(numerics.device)


def make_linear(names: Sequence[str], tensors: Tensors, numerics: Numerics) -> Linear:
    """A linear layer of the named modules, with their biases where the checkpoint has them."""
    weights = [(f"{name}.weight", tensors[f"{name}.weight"]) for name in names]
    biases = [tensors.get(f"{name}.bias") for name in names]
    parts = [dense(bias).float() for bias in biases if bias is not None]
    return Linear(weights, numerics, torch.cat(parts) if len(parts) == len(names) else None)
