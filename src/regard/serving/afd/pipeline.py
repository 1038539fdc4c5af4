"""A forward pass whose feed-forwards run elsewhere, with several micro-batches under way."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.afd.config import MAX_MICROBATCHES
from regard.serving.afd.link.contract import AttentionEnd, Key, StepLostError
from regard.serving.afd.trace import NO_LAYER, NO_MICROBATCH, Recorder, Stage, timed
from regard.serving.models.attention import LayerCache
from regard.serving.models.decoder import AttentionSide, Trunk
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.shard import even_part


class PipelinedDecoder:
    """A decoder without feed-forwards; `forward` is as `Decoder.forward`.

    While the rows of one micro-batch are on their way, at an FFN instance or coming back, the
    attention of the next is computed. Each micro-batch has one message out at a time.
    """

    def __init__(
        self,
        trunk: Trunk,
        sides: Sequence[AttentionSide],
        link: AttentionEnd,
        *,
        num_microbatches: int,
        min_rows: int = 1,
        recorder: Recorder | None = None,
    ) -> None:
        """Join attention's part of a model to a link.

        Args:
            trunk: embedding, final norm, head.
            sides: attention's side of each layer.
            link: to all FFN instances.
            num_microbatches: most micro-batches of a step, 1 to 4.
            min_rows: fewer rows than this are not worth a micro-batch of their own.
            recorder: where spans go, if anywhere.
        """
        if not 1 <= num_microbatches <= MAX_MICROBATCHES:
            raise ValueError(f"{num_microbatches} micro-batches; 1 to {MAX_MICROBATCHES} are known")
        self.config = trunk.config
        self._trunk, self._sides, self._link = trunk, sides, link
        self._num_microbatches, self._min_rows = num_microbatches, min_rows
        self._recorder = recorder
        self._step = 0

    def forward(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        """Logits (float32) of the batch's sample rows.

        Raises:
            InstanceLostError: an FFN instance is gone and was not replaced in time.
        """
        while True:
            # A step taken again writes the same keys and values to the same slots of the cache.
            with suppress(StepLostError):
                logits = self._take_step(batch, caches)
                self._link.settle()
                return logits

    def _take_step(
        self, batch: ForwardBatch, caches: Sequence[LayerCache]
    ) -> Float[Tensor, "sampled vocab"]:
        self._step += 1
        num_rows = batch.token_ids.shape[0]
        parts = split(batch, max(1, min(self._num_microbatches, num_rows // self._min_rows)))
        with self._timed("other", NO_LAYER, NO_MICROBATCH, num_rows):
            sizes = [part.token_ids.shape[0] for part in parts]
            residuals = list(torch.split(self._trunk.embed(batch), sizes))
        for layer, (side, cache) in enumerate(zip(self._sides, caches, strict=True)):
            for number, part in enumerate(parts):
                if layer > 0:
                    residuals[number] = self._receive(residuals[number], layer - 1, number)
                residuals[number] = self._attend(
                    residuals[number], side, cache, part, layer, number
                )
        for number in range(len(parts)):
            residuals[number] = self._receive(residuals[number], len(self._sides) - 1, number)
        with self._timed("other", NO_LAYER, NO_MICROBATCH, num_rows):
            return self._trunk.logits(torch.cat(residuals), batch)

    def _attend(
        self,
        residual: Tensor,
        side: AttentionSide,
        cache: LayerCache,
        part: ForwardBatch,
        layer: int,
        number: int,
    ) -> Tensor:
        with self._timed("attention", layer, number, residual.shape[0]):
            residual = side.attention(residual, cache, part)
            rows = side.post_attention(residual)
        with self._timed("send", layer, number, residual.shape[0]):
            self._link.send(Key(self._step, layer, number), rows)
        return residual

    def _receive(self, residual: Tensor, layer: int, number: int) -> Tensor:
        with self._timed("wait", layer, number, residual.shape[0]):
            result = self._link.receive(Key(self._step, layer, number))
        # The sum is made in float32, then rounded once to the residual's type.
        return (residual.float() + result).to(residual.dtype)

    def _timed(
        self, stage: Stage, layer: int, number: int, rows: int
    ) -> AbstractContextManager[None]:
        return timed(self._recorder, stage, self._step, layer, number, rows)


def split(batch: ForwardBatch, num_parts: int) -> list[ForwardBatch]:
    """Cut a batch, once embedded, into micro-batches whose row counts differ by at most one.

    A sequence may be cut too: its later rows attend to its earlier ones through the cache, which
    the earlier micro-batch has filled when the later one reaches the layer.
    """
    if num_parts == 1:
        return [batch]
    num_rows = batch.token_ids.shape[0]
    return [_part(batch, span) for span in _spans(num_rows, num_parts)]


def _spans(num_rows: int, num_parts: int) -> list[slice]:
    return [even_part(num_rows, index, num_parts) for index in range(num_parts)]


def _part(batch: ForwardBatch, span: slice) -> ForwardBatch:
    samples = batch.sample_rows
    inside = samples[(samples >= span.start) & (samples < span.stop)]
    return replace(
        batch,
        token_ids=batch.token_ids[span],
        positions=batch.positions[span],
        slots=batch.slots[span],
        sequence=batch.sequence[span],
        contexts=batch.contexts[span],
        sample_rows=inside - span.start,
    )
