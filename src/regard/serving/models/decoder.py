"""What every decoder-only model has around its layers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import LayerCache
from regard.serving.models.config import ModelConfig
from regard.serving.models.feed_forward import FeedForward, PostAttention
from regard.serving.models.forward_batch import ForwardBatch
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


class AttentionSide(NamedTuple):
    """What attention's side holds of a layer."""

    attention: AttentionHalf
    """The half with the KV cache."""
    post_attention: PostAttention
    """Norm and router, on the way to the feed-forward."""


class Layer(NamedTuple):
    """A whole layer."""

    side: AttentionSide
    """What keeps the cache and the residual."""
    feed_forward: FeedForward
    """What keeps no state and may stand on another machine."""


class Trunk:
    """What stands around the layers: embedding, final norm, head."""

    def __init__(self, config: ModelConfig, tensors: Tensors, numerics: Numerics) -> None:
        self.config = config
        self._embed = Embedding(tensors["model.embed_tokens.weight"], numerics)
        self._norm = RMSNorm(dense(tensors["model.norm.weight"]), config.rms_norm_eps, numerics)
        head = "model.embed_tokens" if config.tie_word_embeddings else "lm_head"
        self._head = make_linear([head], tensors, numerics)

    def embed(self, batch: ForwardBatch) -> Float[Tensor, "rows hidden"]:
        """The residual before the first layer."""
        residual = self._embed(batch.token_ids)
        for images in batch.images:
            residual[images.rows] = images.values.to(residual.dtype)
        return residual

    def logits(
        self, residual: Float[Tensor, "rows hidden"], batch: ForwardBatch
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows after the last layer."""
        return self._head(self._norm(residual[batch.sample_rows])).float()


@runtime_checkable
class Model(Protocol):
    """What the engine runs."""

    @property
    def config(self) -> ModelConfig:
        """The model in numbers."""
        ...

    def forward(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows; extends the caches."""
        ...


class Decoder:
    """The whole model in one process."""

    def __init__(self, trunk: Trunk, layers: Sequence[Layer]) -> None:
        self.config = trunk.config
        self.layers = tuple(layers)
        self._trunk = trunk

    def forward(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows."""
        residual = self._trunk.embed(batch)
        for layer, cache in zip(self.layers, caches, strict=True):
            residual = layer.side.attention(residual, cache, batch)
            rows = layer.side.post_attention(residual)
            residual = residual + layer.feed_forward(rows, batch.adapters)
        return self._trunk.logits(residual, batch)


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


def swiglu_tensors(tensors: Tensors, prefix: str) -> list[tuple[str, LoadedTensor]]:
    """The gate, up and down matrices under a prefix, with their names."""
    names = [f"{prefix}.{part}_proj.weight" for part in ("gate", "up", "down")]
    return [(name, tensors[name]) for name in names]
