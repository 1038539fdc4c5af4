"""The FFN GPU: 3 whole experts of 48, slices of the shared expert and of the dense layers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.serving.slice.config import (
    DENSE_WIDTH,
    MODEL,
    NUM_FFN,
    NUM_OWNED,
    NUM_SERVERS,
    SHARED_WIDTH,
    SliceConfig,
)
from benchmarks.serving.slice.cut import NUM_PARTS, cut_for
from benchmarks.serving.slice.ffn_kernels import gather, permute, sum_parts
from benchmarks.serving.slice.message import Message
from benchmarks.serving.slice.schedule import Turn
from benchmarks.serving.slice.tensors import empty_rows, fill_normal, random_weight
from regard.serving.kernels.block_scaled.experts import (
    TILE,
    Cut,
    Owned,
    Tokens,
    Window,
    filling,
    gated_linear,
    routed_down,
    whole_down,
)
from regard.serving.kernels.block_scaled.launch import Launch, Rows, Weight
from regard.serving.kernels.combine.gpu import add_routed
from regard.serving.kernels.routing.gpu import dispatch_gpu
from regard.serving.kernels.routing.reference import Dispatch

POOL_ROWS = 1 << 17
"""Synthesised tokens; each micro-batch and layer takes another window of them."""
FFN_GAIN = 0.2


@dataclass(frozen=True)
class FfnWeights:
    """This GPU's part of one layer."""

    gated: Weight
    """Gate and up of each owned expert, then of the shared slice; or of the dense slice alone."""
    down: Weight | None
    """(owned * hidden, width); None in a dense layer."""
    shared_down: Weight
    """(hidden, shared or dense width)."""


@dataclass(frozen=True)
class Prepared:
    """The products of one layer for one micro-batch."""

    gated: Callable[[], object]
    down: Callable[[], object] | None
    combine: Callable[[], object]


class Inbox:
    """Tokens of all attention GPUs for one micro-batch: those that arrived, then synthesised."""

    def __init__(self, config: SliceConfig, device: torch.device) -> None:
        """Allocates it."""
        tokens, choices = config.num_tokens, MODEL.num_experts_per_token
        self.arrived = Message.allocate(config.batch, device)
        self.copy = Message.allocate(config.batch, device)
        """Where the other server's copy of the message lands; its bytes count, no one reads it."""
        self.rows = empty_rows(tokens, MODEL.hidden_size, device)
        self.owned_rows = empty_rows(NUM_OWNED * config.capacity, MODEL.hidden_size, device)
        """The tokens of this GPU's experts, each expert's together."""
        self.chosen = torch.zeros(tokens, choices, dtype=torch.int32, device=device)
        self.shares = torch.zeros(tokens, choices, device=device)
        self.dispatch = Dispatch(
            torch.zeros(NUM_OWNED, config.capacity, dtype=torch.int32, device=device),
            torch.zeros(NUM_OWNED, dtype=torch.int32, device=device),
            torch.full((tokens, choices), -1, dtype=torch.int32, device=device),
        )
        self.result = torch.zeros(
            NUM_SERVERS * config.batch, MODEL.hidden_size, dtype=torch.bfloat16, device=device
        )
        """Sums for the tokens of the two attention GPUs on this GPU's rail."""


class FfnGpu:
    """All layers' share."""

    def __init__(self, config: SliceConfig, device: torch.device) -> None:
        """Draws weights and the pool of tokens."""
        self.config, self.device = config, device
        self._generator = torch.Generator(device=device).manual_seed(config.seed + 1)
        lines = NUM_OWNED * config.capacity
        self.inboxes = [Inbox(config, device) for _ in range(config.num_microbatches)]
        self.routed = empty_rows(lines, MODEL.moe_intermediate_size, device)
        self.shared = empty_rows(config.num_tokens, SHARED_WIDTH, device)
        self.dense = empty_rows(config.num_tokens, DENSE_WIDTH, device)
        shape = (NUM_PARTS, lines, MODEL.hidden_size)
        self.routed_out = torch.zeros(shape, dtype=torch.bfloat16, device=device)
        shape = (config.num_tokens, MODEL.hidden_size)
        self.partial = torch.zeros(shape, dtype=torch.bfloat16, device=device)
        """This GPU's sums for all tokens. Those of the other GPUs of the server for the tokens of
        this GPU's rail are stood in by its own of other tokens: as many bytes, as many sums."""
        self.everyone = torch.tensor([config.num_tokens], dtype=torch.int32, device=device)
        """How many tokens the shared expert has."""
        self.step = torch.zeros(1, dtype=torch.int64, device=device)
        self.most = torch.zeros(1, dtype=torch.int32, device=device)
        """The most tokens that an expert ever had; above the capacity the run is void."""
        self.pool = self._draw_pool()
        self.layers = [self._draw_layer(config.is_dense(i)) for i in range(config.num_layers)]
        self.prepared = [[self._prepare(w, inbox) for inbox in self.inboxes] for w in self.layers]

    @property
    def cut(self) -> Cut:
        """How the work is cut for so many tokens."""
        num_blocks = torch.cuda.get_device_properties(self.device).multi_processor_count
        num_tiles = NUM_OWNED * MODEL.hidden_size // TILE
        return cut_for(self.config.num_tokens / NUM_FFN, num_tiles, num_blocks)

    def _draw_pool(self) -> tuple[Rows, Tensor, Tensor]:
        hidden, choices, device = MODEL.hidden_size, MODEL.num_experts_per_token, self.device
        values = torch.empty(POOL_ROWS, hidden, dtype=torch.float8_e4m3fn, device=device)
        fill_normal(values, self._generator, 448 / 4)
        scales = torch.full((hidden // 128, POOL_ROWS), 4 / 448, device=device)
        scales *= torch.rand(scales.shape, generator=self._generator, device=device) * 0.4 + 0.8
        draws = torch.rand(POOL_ROWS, MODEL.num_experts, generator=self._generator, device=device)
        weights, chosen = draws.mul_(4).softmax(dim=1).topk(choices, dim=1)
        if self.config.balanced:
            first = torch.arange(POOL_ROWS * choices, device=device) % MODEL.num_experts
            chosen = first.view(POOL_ROWS, choices)
        return Rows(values, scales), chosen.int(), weights

    def _draw_layer(self, dense: bool) -> FfnWeights:
        hidden, width, draw = MODEL.hidden_size, MODEL.moe_intermediate_size, self._generator
        own = DENSE_WIDTH if dense else SHARED_WIDTH
        gated = 2 * own + (0 if dense else 2 * NUM_OWNED * width)
        down = None
        if not dense:
            down = random_weight(NUM_OWNED * hidden, width, draw, self.device, FFN_GAIN)
        shared_down = random_weight(hidden, own, draw, self.device, FFN_GAIN / 2)
        stack = random_weight(gated, hidden, draw, self.device)
        return FfnWeights(stack, down, shared_down)

    def _prepare(self, weights: FfnWeights, inbox: Inbox) -> Prepared:
        counts, cut = inbox.dispatch.counts, self.cut
        if weights.down is None:
            none = Owned(inbox.owned_rows, counts[:0])
            return Prepared(
                gated_linear(inbox.rows, none, weights.gated, self.routed, self.dense, cut),
                None,
                self._prepare_combine(weights, inbox),
            )
        owned = Owned(inbox.owned_rows, counts)
        return Prepared(
            gated_linear(inbox.rows, owned, weights.gated, self.routed, self.shared, cut),
            routed_down(self.routed, owned, weights.down, self.routed_out, cut),
            self._prepare_combine(weights, inbox),
        )

    def _prepare_combine(self, weights: FfnWeights, inbox: Inbox) -> Callable[[], object]:
        is_dense, num_whole = weights.down is None, self.cut.num_whole
        x = self.dense if is_dense else self.shared
        down = whole_down(x, self.everyone, weights.shared_down, self.partial, self.cut)

        def combine() -> None:
            down()
            if not is_dense:
                parts = self.routed_out
                add_routed(self.partial, parts, inbox.dispatch, inbox.shares, num_whole)

        return combine

    def synthesise(self, layer: int, index: int) -> None:
        """The tokens of the other attention GPUs: what an all-gather in the server would bring."""
        inbox = self.inboxes[index]
        salt = self._salt(layer, index)
        target = (inbox.rows, inbox.chosen, inbox.shares)
        gather(self.pool, self.step, salt, target, self.config.batch)

    def _salt(self, layer: int, index: int) -> int:
        return layer * len(self.inboxes) + index

    def take_in(self, layer: int, index: int) -> None:
        """Puts what arrived beside the others, and finds the experts' tokens."""
        inbox, batch = self.inboxes[index], self.config.batch
        inbox.rows.values[:batch].copy_(inbox.arrived.rows.values)
        inbox.rows.scales[:, :batch].copy_(inbox.arrived.rows.scales)
        if not self.config.is_dense(layer):
            inbox.chosen[:batch].copy_(inbox.arrived.chosen)
            inbox.shares[:batch].copy_(inbox.arrived.shares)
            dispatch_gpu(inbox.chosen, NUM_FFN, inbox.dispatch, self.most)
            self.sort(index)

    def sort(self, index: int) -> None:
        """Puts each of this GPU's experts' tokens together."""
        inbox = self.inboxes[index]
        order, counts, _ = inbox.dispatch
        permute(inbox.rows, order, counts, inbox.owned_rows)

    def compute(self, layer: int, index: int, fill: Turn | None = None) -> None:
        """The layer's share for all tokens, and the sums for the tokens of this GPU's rail.

        Where `fill` is given, the inbox of that turn, another micro-batch's, is filled meanwhile.
        """
        self.compute_share(layer, index, fill)
        sum_parts(self.partial, self.inboxes[index].result)

    def _filling(self, gated: Callable[[], object], fill: Turn) -> Callable[[], object]:
        assert isinstance(gated, Launch)
        inbox, salt = self.inboxes[fill.index], self._salt(fill.layer, fill.index)
        target = Tokens(inbox.rows, inbox.chosen, inbox.shares)
        window = Window(self.step, salt)
        return filling(gated, Tokens(*self.pool), window, target, self.config.batch)

    def compute_share(self, layer: int, index: int, fill: Turn | None = None) -> None:
        """This GPU's sums for all tokens, into `partial`."""
        launches = self.prepared[layer][index]
        gated = launches.gated if fill is None else self._filling(launches.gated, fill)
        gated()
        if launches.down is not None:
            launches.down()
        launches.combine()
