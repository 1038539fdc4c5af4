"""The attention GPU: embedding, attention, norms, router, cache, head, sampling."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.serving.slice.attention_layer import AttentionLayer
from benchmarks.serving.slice.config import K_SCALE, MODEL, NUM_SERVERS, V_SCALE, SliceConfig
from benchmarks.serving.slice.cut import SPARE_BLOCKS
from benchmarks.serving.slice.head import Head, padded
from benchmarks.serving.slice.message import Message
from benchmarks.serving.slice.sequences import Sequences
from benchmarks.serving.slice.tensors import empty_rows, fill_normal, random_weight
from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.block_scaled.linear import linear_parts, query_projection
from regard.serving.kernels.latent_append.gpu import latent_append_gpu
from regard.serving.kernels.mfa_decode import mfa_decode
from regard.serving.kernels.mfa_decode.tile_map import PAGE_SIZE
from regard.serving.kernels.norm_quantise.gpu import quantise_gpu, sum_norm_quantise_gpu
from regard.serving.kernels.routing.gpu import Router

QKV_PARTS, OUT_PARTS = 6, 2
HEAD_DIM, NUM_HEADS, LATENT = MODEL.head_dim, MODEL.num_heads, MODEL.query_low_rank
EMBEDDING_DEVIATION = 1.0
BRANCH_GAIN = 0.2
"""Size of what a sublayer adds, beside the embedding's."""


@dataclass(frozen=True)
class LayerWeights(AttentionLayer):
    """With the caches of the slice's micro-batches."""

    cache: Tensor
    """(micro-batches, pages, 2, page size, 256) e4m3."""


@dataclass(frozen=True)
class Prepared:
    """The products of one layer for one micro-batch."""

    qkv: Callable[[], object]
    query: Callable[[], object]
    out: Callable[[], object]


class MicroBatch:
    """Buffers of one micro-batch, used by all layers in turn."""

    def __init__(self, config: SliceConfig, index: int, head: Head, num_blocks: int) -> None:
        """Allocates them, but for the rows that the head takes."""
        batch, hidden, device = config.batch, MODEL.hidden_size, head.tokens.device
        self.sequences = Sequences(config, index, device, num_blocks)
        self.table = self.sequences.block_table
        """(batch, width) int32: pages of the cache."""
        self.tokens, self.normed = head.tokens[index], head.normed[index]
        self.residual = torch.zeros(batch, hidden, device=device)
        self.x = empty_rows(batch, hidden, device)
        self.qkv = torch.zeros(QKV_PARTS, batch, LATENT + 2 * HEAD_DIM, device=device)
        self.latent = empty_rows(batch, LATENT, device)
        self.query = torch.zeros(batch, NUM_HEADS * HEAD_DIM, dtype=torch.bfloat16, device=device)
        self.attended = empty_rows(batch, NUM_HEADS * HEAD_DIM, device)
        self.out = torch.zeros(OUT_PARTS, batch, hidden, device=device)
        self.cos = torch.zeros(batch, HEAD_DIM // 2, device=device)
        self.sin = torch.zeros(batch, HEAD_DIM // 2, device=device)
        self.message = Message.allocate(batch, device)
        self.received = torch.zeros(NUM_SERVERS, batch, hidden, dtype=torch.bfloat16, device=device)


class AttentionGpu:
    """All layers' attention for all micro-batches."""

    def __init__(self, config: SliceConfig, device: torch.device) -> None:
        """Draws weights and caches."""
        self.config, self.device = config, device
        generator = torch.Generator(device=device).manual_seed(config.seed)
        self._generator = generator
        blocks = torch.cuda.get_device_properties(device).multi_processor_count - SPARE_BLOCKS
        hidden = MODEL.hidden_size
        self.embedding = self._normal((MODEL.vocab_size, hidden), EMBEDDING_DEVIATION)
        head = self._normal((padded(MODEL.vocab_size), hidden), hidden**-0.5)
        self.head = Head(config.num_microbatches, config.batch, head, MODEL.vocab_size)
        self.microbatches = [
            self._new_microbatch(index, blocks) for index in range(config.num_microbatches)
        ]
        self.final_norm = torch.ones(MODEL.hidden_size, device=device)
        self.layers = [self._draw_layer() for _ in range(config.num_layers)]
        frequency = torch.arange(0, HEAD_DIM, 2, device=device) / HEAD_DIM
        self._frequencies = MODEL.rope_theta**-frequency
        self._router = Router(config.batch, self.layers[0].router)
        self.prepared = [
            [self._prepare(layer, each) for each in self.microbatches] for layer in self.layers
        ]
        for each in self.microbatches:
            each.tokens.random_(MODEL.vocab_size, generator=generator)

    def _new_microbatch(self, index: int, num_blocks: int) -> MicroBatch:
        return MicroBatch(self.config, index, self.head, num_blocks)

    def _cache_shape(self) -> tuple[int, ...]:
        pages = max(each.sequences.num_pages for each in self.microbatches)
        return (len(self.microbatches), pages, 2, PAGE_SIZE, HEAD_DIM)

    def _normal(self, shape: tuple[int, int], deviation: float) -> Tensor:
        out = torch.empty(shape, dtype=torch.bfloat16, device=self.device)
        for part in out.split(8192):
            part.copy_(torch.randn(part.shape, generator=self._generator, device=self.device))
        return out.mul_(deviation)

    def _draw_layer(self) -> LayerWeights:
        hidden, device, draw = MODEL.hidden_size, self.device, self._generator
        cache = torch.empty(self._cache_shape(), dtype=torch.float8_e4m3fn, device=device)
        fill_normal(cache, draw, 1 / K_SCALE)
        return LayerWeights(
            qkv=random_weight(LATENT + 2 * HEAD_DIM, hidden, draw, device),
            query=random_weight(NUM_HEADS * HEAD_DIM, LATENT, draw, device),
            # Attention over thousands of random values averages them away; a gain restores it.
            out=random_weight(hidden, NUM_HEADS * HEAD_DIM, draw, device, gain=BRANCH_GAIN * 30),
            input_norm=torch.rand(hidden, generator=draw, device=device) * 0.2 + 0.9,
            inner_norm=torch.rand(LATENT, generator=draw, device=device) * 0.2 + 0.9,
            post_norm=torch.rand(hidden, generator=draw, device=device) * 0.2 + 0.9,
            router=self._normal((MODEL.num_experts, hidden), hidden**-0.5),
            cache=cache,
        )

    def _prepare(self, layer: LayerWeights, each: MicroBatch) -> Prepared:
        spare = SPARE_BLOCKS
        return Prepared(
            linear_parts(each.x, layer.qkv, each.qkv, spare_blocks=spare),
            query_projection(
                each.latent, layer.query, each.cos, each.sin, each.query, spare_blocks=spare
            ),
            linear_parts(each.attended, layer.out, each.out, spare_blocks=spare),
        )

    def begin(self, index: int) -> None:
        """Embeds the tokens of a micro-batch, and turns positions into angles."""
        each = self.microbatches[index]
        each.residual.copy_(self.embedding[each.tokens])
        angles = each.sequences.positions[:, None] * self._frequencies[None, :]
        torch.cos(angles, out=each.cos)
        torch.sin(angles, out=each.sin)

    def attend(self, layer_index: int, index: int) -> None:
        """One layer up to the message to the FFN servers, which is then ready."""
        layer, each = self.layers[layer_index], self.microbatches[index]
        eps = MODEL.rms_norm_eps
        parts = each.received if layer_index and self.config.returned else None
        launches = self.prepared[layer_index][index]
        sum_norm_quantise_gpu(
            each.residual, parts, layer.input_norm, eps, out=each.x.values, scales=each.x.scales
        )
        launches.qkv()
        self._append(layer, each, index)
        launches.query()
        self._attend(layer, each, index)
        launches.out()
        sum_norm_quantise_gpu(
            each.residual, each.out, layer.post_norm, eps,
            out=each.message.rows.values, scales=each.message.rows.scales, normed=each.normed,
        )  # fmt: skip
        if not self.config.is_dense(layer_index):
            message = each.message
            self._router.route(each.normed, layer.router, message.chosen, message.shares)

    def _append(self, layer: LayerWeights, each: MicroBatch, index: int) -> None:
        latent_append_gpu(
            each.qkv, layer.inner_norm, MODEL.rms_norm_eps, each.cos, each.sin,
            each.sequences.positions, each.table, layer.cache[index],
            k_scale=K_SCALE, v_scale=V_SCALE, out=each.latent.values, scales=each.latent.scales,
        )  # fmt: skip

    def _attend(self, layer: LayerWeights, each: MicroBatch, index: int) -> None:
        operands = (
            each.query.view(-1, NUM_HEADS, HEAD_DIM),
            layer.cache[index],
            each.table,
            each.sequences.tile_map,
        )
        factors = {"scale": HEAD_DIM**-0.5, "k_scale": K_SCALE, "v_scale": V_SCALE}
        rows: Rows = each.attended
        attended = mfa_decode(*operands, **factors, overlap=True)
        quantise_gpu(attended.view(len(attended), -1), out=rows.values, scales=rows.scales)

    def finish(self, indices: range) -> None:
        """Adds the last results of these micro-batches, and samples their next tokens."""
        for index in indices:
            each = self.microbatches[index]
            sum_norm_quantise_gpu(
                each.residual, each.received if self.config.returned else None,
                self.final_norm, MODEL.rms_norm_eps,
                out=each.x.values, scales=each.x.scales, normed=each.normed,
            )  # fmt: skip
        self.head.sample(indices)
