"""Passes of decoding requests as CUDA graphs, so that the host launches one thing a step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import GPU_PAGES, LayerCache
from regard.serving.models.decoder import Decoder, Model
from regard.serving.models.feed_forward import DenseFeedForward
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.loader import LoadedModel

# Batches are padded to the next of these, and beyond them to multiples of the last step.
SMALL_SIZES = (1, 2, 4)
STEP = 8
NO_SLOT = -1
COPIED = ("token_ids", "positions", "slots", "contexts")
WARM_UPS = 2


def supports(loaded: LoadedModel) -> bool:
    """Whether a pass asks the host for nothing: dense layers, attention by a GPU kernel."""
    model = loaded.model
    return (
        loaded.numerics.uses_gpu_kernels
        and loaded.block_size in GPU_PAGES
        and isinstance(model, Decoder)
        and all(isinstance(layer.feed_forward, DenseFeedForward) for layer in model.layers)
    )


def sizes_up_to(most: int) -> list[int]:
    """Batch sizes with a graph of their own; the last holds `most` rows."""
    small = [size for size in SMALL_SIZES if size < most]
    return [*small, *range(STEP, most, STEP), most]


class DecodeGraphs:
    """`forward` is as the model's; batches in which every request decodes replay a graph."""

    def __init__(
        self, model: Model, caches: Sequence[LayerCache], *, max_rows: int, max_blocks: int
    ) -> None:
        """Capture a graph for every batch size.

        Args:
            model: one that `supports` accepts.
            caches: those that every pass will use.
            max_rows: most rows of a batch.
            max_blocks: most blocks of a sequence.
        """
        device = caches[0].keys.device
        self._model, self._caches = model, caches
        self._sizes = sizes_up_to(max_rows)
        self._batch = _static_batch(max_rows, max_blocks, device)
        self._logits: dict[int, Tensor] = {}
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        pool = torch.cuda.graph_pool_handle()
        # The largest first: the smaller ones fit its memory.
        for size in reversed(self._sizes):
            self._capture(size, pool)

    @torch.inference_mode()
    def _capture(self, size: int, pool: Any) -> None:
        batch = _first_rows(self._batch, size)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                self._model.forward(batch, self._caches)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            self._logits[size] = self._model.forward(batch, self._caches)
        self._graphs[size] = graph

    def forward(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows, good until the next pass."""
        rows = batch.token_ids.shape[0]
        if not self._is_decode(batch):
            return self._model.forward(batch, caches)
        size = next(size for size in self._sizes if size >= rows)
        static, width = self._batch, batch.block_tables.shape[1]
        torch._foreach_copy_(
            [getattr(static, name)[:rows] for name in COPIED],
            [getattr(batch, name) for name in COPIED],
        )
        static.block_tables[:rows, :width].copy_(batch.block_tables)
        if size > rows:
            # What is left of an earlier batch must be neither written nor attended to.
            static.slots[rows:size] = NO_SLOT
            static.contexts[rows:size] = 0
        self._graphs[size].replay()
        return self._logits[size][:rows]

    def _is_decode(self, batch: ForwardBatch) -> bool:
        rows = batch.token_ids.shape[0]
        return (
            batch.num_decode_rows == rows
            and rows <= self._sizes[-1]
            and batch.sample_rows.shape[0] == rows
            and not batch.adapters
            and not batch.images
        )


def _static_batch(rows: int, blocks: int, device: torch.device) -> ForwardBatch:
    def numbers(value: int) -> Tensor:
        return torch.full((rows,), value, dtype=torch.int64, device=device)

    return ForwardBatch(
        token_ids=numbers(0),
        positions=numbers(0),
        slots=numbers(NO_SLOT),
        sequence=torch.arange(rows, device=device),
        contexts=numbers(0),
        block_tables=torch.zeros(rows, blocks, dtype=torch.int32, device=device),
        sample_rows=torch.arange(rows, device=device),
        num_decode_rows=rows,
    )


def _first_rows(batch: ForwardBatch, size: int) -> ForwardBatch:
    names = ("token_ids", "positions", "slots", "sequence", "contexts", "block_tables")
    parts = {name: getattr(batch, name)[:size] for name in (*names, "sample_rows")}
    return replace(batch, num_decode_rows=size, **parts)
