"""Puts a model together: whole, attention's side alone, or a shard of the feed-forwards alone."""

from regard.serving.models.config import ModelConfig
from regard.serving.models.decoder import AttentionSide, Decoder, Layer, Tensors, Trunk, model_rope
from regard.serving.models.feed_forward import FeedForward
from regard.serving.models.llama import build_llama_feed_forward, build_llama_side
from regard.serving.models.memory import release_free_memory
from regard.serving.models.numerics import Numerics
from regard.serving.models.shard import WHOLE, FeedForwardShard
from regard.serving.models.step3 import build_step3_feed_forward, build_step3_side
from regard.serving.models.step3_config import Step3Config


def build_decoder(config: ModelConfig, tensors: Tensors, numerics: Numerics) -> Decoder:
    """The whole model."""
    sides = build_attention(config, tensors, numerics)
    feed_forwards = build_feed_forwards(config, tensors, numerics)
    layers = [Layer(*halves) for halves in zip(sides, feed_forwards, strict=True)]
    return Decoder(Trunk(config, tensors, numerics), layers)


def build_attention(
    config: ModelConfig, tensors: Tensors, numerics: Numerics
) -> list[AttentionSide]:
    """Attention's side of every layer; reads no tensor of a feed-forward."""
    rope = model_rope(config, numerics)
    sides = []
    for layer in range(config.num_layers):
        if isinstance(config, Step3Config):
            side = build_step3_side(config, layer, tensors, rope, numerics)
        else:
            side = build_llama_side(config, layer, tensors, rope, numerics)
        sides.append(side)
        release_free_memory()
    return sides


def build_feed_forwards(
    config: ModelConfig, tensors: Tensors, numerics: Numerics, shard: FeedForwardShard = WHOLE
) -> list[FeedForward]:
    """Every layer's feed-forward, or a shard of each; reads no other tensor.

    Raises:
        InvalidRequestError: a width cannot be cut as the shard asks.
    """
    halves = []
    for layer in range(config.num_layers):
        halves.append(_build_feed_forward(config, layer, tensors, numerics, shard))
        release_free_memory()
    return halves


def _build_feed_forward(
    config: ModelConfig,
    layer: int,
    tensors: Tensors,
    numerics: Numerics,
    shard: FeedForwardShard,
) -> FeedForward:
    if isinstance(config, Step3Config):
        return build_step3_feed_forward(config, layer, tensors, numerics, shard)
    return build_llama_feed_forward(layer, tensors, numerics, shard)
