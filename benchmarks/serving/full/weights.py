"""The weights of either side, drawn on the GPU that holds them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.draw import Draw, Kind, empty_weight, part
from benchmarks.serving.full.layout import BLOCK, Share
from benchmarks.serving.slice.attention_layer import AttentionLayer
from regard.serving.kernels.block_scaled.launch import Weight

BRANCH_GAIN = 0.2
"""Size of what a sublayer adds, beside the embedding's."""
ATTENTION_GAIN = 30 * BRANCH_GAIN
"""Attention over thousands of random values averages them away; this restores it."""
ROUTED_GAIN, SHARED_GAIN = 5 * BRANCH_GAIN, BRANCH_GAIN / 2
"""A routed expert counts with a share of about a tenth: then each adds as much as the shared one,
and one that is lost is seen."""


@dataclass
class AttentionWeights:
    """What every attention GPU holds."""

    embedding: Tensor
    """(vocabulary, hidden) bfloat16."""
    head: Tensor
    """(vocabulary, rounded up to 64, hidden) bfloat16."""
    final_norm: Tensor
    """(hidden,)."""
    layers: list[AttentionLayer]
    """Those that are run."""


@dataclass(frozen=True)
class FfnLayer:
    """One FFN GPU's part of one layer."""

    gated: Weight
    """Gate and up of each owned expert, then of the shared slice; or of the dense slice alone."""
    down: Weight | None
    """(owned * hidden, width); None in a dense layer."""
    shared_down: Weight
    """(hidden, shared or dense columns)."""


def draw_outer(config: FullConfig, device: torch.device) -> AttentionWeights:
    """Embedding and head; layers are drawn after it, one at a time."""
    model, draw = config.model, Draw(config.seed, device)
    hidden, padded = model.hidden_size, -(-model.vocab_size // 64) * 64
    return AttentionWeights(
        draw.matrix(model.vocab_size, hidden, 1.0, Kind.EMBEDDING),
        draw.matrix(padded, hidden, hidden**-0.5, Kind.HEAD),
        torch.ones(hidden, device=device),
        [],
    )


def draw_attention_layer(config: FullConfig, position: int, device: torch.device) -> AttentionLayer:
    """One layer of attention."""
    model, draw, number = config.model, Draw(config.seed, device), config.numbers[position]
    hidden, latent, wide = model.hidden_size, model.query_low_rank, model.num_heads * model.head_dim
    return AttentionLayer(
        qkv=draw.weight(latent + 2 * model.head_dim, hidden, 1.0, Kind.QKV, number),
        query=draw.weight(wide, latent, 1.0, Kind.QUERY, number),
        out=draw.weight(hidden, wide, ATTENTION_GAIN, Kind.OUT, number),
        input_norm=draw.norm(hidden, Kind.INPUT_NORM, number),
        inner_norm=draw.norm(latent, Kind.INNER_NORM, number),
        post_norm=draw.norm(hidden, Kind.POST_NORM, number),
        router=draw.matrix(model.num_experts, hidden, hidden**-0.5, Kind.ROUTER, number),
    )


def draw_ffn_layer(config: FullConfig, index: int, position: int, device: torch.device) -> FfnLayer:
    """The part of one layer that FFN GPU `index` holds."""
    model, share, number = config.model, Share.of(config, index), config.numbers[position]
    draw, hidden, width = Draw(config.seed, device), model.hidden_size, model.moe_intermediate_size
    if config.is_dense(position):
        gated = empty_weight(2 * share.dense_width, hidden, device)
        dense = _draw_blocks(draw, gated, share.dense, model.intermediate_size, Kind.DENSE, number)
        return FfnLayer(gated, None, dense)
    routed_rows = 2 * width * len(share.experts)
    gated = empty_weight(routed_rows + 2 * share.shared_width, hidden, device)
    down = empty_weight(len(share.experts) * hidden, width, device)
    for place, expert in enumerate(share.experts):
        up_rows = slice(2 * width * place, 2 * width * (place + 1))
        down_rows = slice(hidden * place, hidden * (place + 1))
        draw.fill(part(gated, up_rows), 1.0, hidden, Kind.EXPERT, number, expert, 0)
        draw.fill(part(down, down_rows), ROUTED_GAIN, width, Kind.EXPERT, number, expert, 1)
    rest = part(gated, slice(routed_rows, routed_rows + 2 * share.shared_width))
    shared = _draw_blocks(draw, rest, share.shared, model.share_expert_size, Kind.SHARED, number)
    return FfnLayer(gated, down, shared)


def _draw_blocks(
    draw: Draw, gated: Weight, blocks: range, width: int, kind: Kind, number: int
) -> Weight:
    """Fills gate and up of some blocks of columns; returns their part of the down projection."""
    hidden, own = gated.values.shape[1], len(blocks) * BLOCK
    down = empty_weight(hidden, own, draw.device)
    for place, block in enumerate(blocks):
        rows = slice(place * BLOCK, (place + 1) * BLOCK)
        up_rows = slice(own + rows.start, own + rows.stop)
        draw.fill(part(gated, rows), 1.0, hidden, kind, number, block, 0)
        draw.fill(part(gated, up_rows), 1.0, hidden, kind, number, block, 1)
        piece = empty_weight(hidden, BLOCK, draw.device)
        draw.fill(piece, SHARED_GAIN, width, kind, number, block, 2)
        columns = part(down, slice(0, hidden), rows)
        # As bytes: not every operation knows e4m3.
        columns.values.view(torch.uint8).copy_(piece.values.view(torch.uint8))
        columns.scales.copy_(piece.scales)
    return down


@dataclass(frozen=True)
class Weights:
    """Of all GPUs."""

    attention: list[AttentionWeights]
    """Of each attention GPU."""
    ffn: list[list[FfnLayer]]
    """Of each FFN GPU, layer by layer."""


def draw_weights(
    config: FullConfig, attention: list[torch.device], ffn: list[torch.device]
) -> Weights:
    """Draws everything; the host goes round the GPUs layer by layer, so that all work at once."""
    made = Weights([draw_outer(config, device) for device in attention], [[] for _ in ffn])
    for position in range(config.num_layers):
        for device, own in zip(attention, made.attention, strict=True):
            own.layers.append(draw_attention_layer(config, position, device))
        for index, device in enumerate(ffn):
            made.ffn[index].append(draw_ffn_layer(config, index, position, device))
    return made
