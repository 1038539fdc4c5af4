"""An attention GPU's work by the kernels that the slice runs, part by part of a micro-batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.serving.full.attention_side import AttentionSide, Chunk
from benchmarks.serving.slice.attention_layer import AttentionLayer
from benchmarks.serving.slice.config import K_SCALE, V_SCALE
from benchmarks.serving.slice.tensors import empty_rows
from regard.serving.kernels.block_scaled.launch import Launch, Rows
from regard.serving.kernels.block_scaled.linear import linear_parts, query_projection
from regard.serving.kernels.latent_append.gpu import latent_append_gpu
from regard.serving.kernels.mfa_decode import mfa_decode
from regard.serving.kernels.norm_quantise.gpu import quantise_gpu, sum_norm_quantise_gpu
from regard.serving.kernels.routing.gpu import Router

QKV_PARTS, OUT_PARTS = 6, 2
"""As in the slice."""


class Buffers:
    """Between the kernels; shared by all parts, since a GPU works on one at a time."""

    def __init__(self, side: AttentionSide) -> None:
        """Allocates them."""
        model, rows, device = side.config.model, side.config.chunk_rows, side.device
        hidden, wide = model.hidden_size, model.num_heads * model.head_dim
        columns = model.query_low_rank + 2 * model.head_dim
        half = {"dtype": torch.bfloat16, "device": device}
        self.normed = torch.zeros(rows, hidden, **half)
        self.x = empty_rows(rows, hidden, device)
        self.qkv = torch.zeros(QKV_PARTS, rows, columns, device=device)
        self.latent = empty_rows(rows, model.query_low_rank, device)
        self.query = torch.zeros(rows, wide, **half)
        self.attended = empty_rows(rows, wide, device)
        self.out = torch.zeros(OUT_PARTS, rows, hidden, device=device)
        self.logits = torch.zeros(rows, side.weights.head.shape[0], **half)


@dataclass(frozen=True)
class Prepared:
    """The products of one layer for one part."""

    qkv: Launch
    query: Launch
    out: Launch


class KernelAttention:
    """As `AttentionOperators`."""

    def __init__(self, side: AttentionSide) -> None:
        """Prepares every launch."""
        self.side = side
        self._to = Buffers(side)
        self._router = Router(side.config.chunk_rows, side.weights.layers[0].router)
        self._prepared = {
            (position, chunk.number): self._prepare(layer, chunk)
            for position, layer in enumerate(side.weights.layers)
            for chunk in side.chunks
        }

    def _prepare(self, layer: AttentionLayer, chunk: Chunk) -> Prepared:
        to = self._to
        return Prepared(
            linear_parts(to.x, layer.qkv, to.qkv),
            query_projection(to.latent, layer.query, chunk.cos, chunk.sin, to.query),
            linear_parts(to.attended, layer.out, to.out),
        )

    @property
    def launches(self) -> list[Launch]:
        """All products."""
        return [
            each for made in self._prepared.values() for each in (made.qkv, made.query, made.out)
        ]

    def attend(self, position: int, microbatch: int) -> None:
        """As `AttentionOperators`."""
        for chunk in self.side.microbatches[microbatch]:
            self._attend(position, chunk)

    def _attend(self, position: int, chunk: Chunk) -> None:
        to, layer = self._to, self.side.weights.layers[position]
        launches, cache = self._prepared[position, chunk.number], chunk.caches[position]
        self._norm(chunk, chunk.received if position else None, layer.input_norm, to.x)
        launches.qkv()
        latent_append_gpu(
            to.qkv, layer.inner_norm, self._eps, chunk.cos, chunk.sin,
            chunk.sequences.positions, chunk.sequences.block_table, cache,
            k_scale=K_SCALE, v_scale=V_SCALE, out=to.latent.values, scales=to.latent.scales,
        )  # fmt: skip
        launches.query()
        model = self.side.config.model
        attended = mfa_decode(
            to.query.view(-1, model.num_heads, model.head_dim), cache,
            chunk.sequences.block_table, chunk.sequences.tile_map,
            scale=model.head_dim**-0.5, k_scale=K_SCALE, v_scale=V_SCALE, overlap=True,
        )  # fmt: skip
        quantise_gpu(
            attended.view(len(attended), -1), out=to.attended.values, scales=to.attended.scales
        )
        launches.out()
        self._norm(chunk, to.out, layer.post_norm, chunk.message.rows, to.normed)
        if not self.side.config.is_dense(position):
            message = chunk.message
            self._router.route(to.normed, layer.router, message.chosen, message.shares)

    @property
    def _eps(self) -> float:
        return self.side.config.model.rms_norm_eps

    def _norm(
        self,
        chunk: Chunk,
        parts: Tensor | None,
        weight: Tensor,
        rows: Rows,
        normed: Tensor | None = None,
    ) -> None:
        sum_norm_quantise_gpu(
            chunk.residual, parts, weight, self._eps,
            out=rows.values, scales=rows.scales, normed=normed,
        )  # fmt: skip

    def finish(self, microbatch: int) -> None:
        """As `AttentionOperators`."""
        to, weights = self._to, self.side.weights
        for chunk in self.side.microbatches[microbatch]:
            self._norm(chunk, chunk.received, weights.final_norm, to.x, to.normed)
            torch.mm(to.normed, weights.head.T, out=to.logits)
            vocabulary = self.side.config.model.vocab_size
            torch.argmax(to.logits[:, :vocabulary], dim=1, out=chunk.tokens)
