"""One attention GPU: the parts of its micro-batches, their caches, what comes in and goes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.draw import Draw, Kind
from benchmarks.serving.full.layout import chunk_number
from benchmarks.serving.full.message import Message, message_bytes
from benchmarks.serving.full.weights import AttentionWeights
from benchmarks.serving.slice.config import K_SCALE, SliceConfig
from benchmarks.serving.slice.sequences import PAGE_SIZE, Sequences

Forced = Callable[[int, "Chunk"], Tensor]
"""The experts that a part's rows go to in a layer, where a check prescribes them."""


@dataclass(frozen=True)
class Chunk:
    """A part of a micro-batch, as large as attention's products take at a time."""

    number: int
    """Of all parts of all GPUs."""
    sequences: Sequences
    """Lengths, pages, tile map."""
    tokens: Tensor
    """(rows,) int64: what the step embeds, then what it samples."""
    residual: Tensor
    """(rows, hidden) float32; float64 in exact mode."""
    cos: Tensor
    """(rows, dim / 2) float32 of each row's position."""
    sin: Tensor
    """The same."""
    message: Message
    """Its part of the micro-batch's message."""
    received: Tensor
    """(FFN GPUs, rows, hidden) bfloat16, or float64: what each sent back."""
    caches: list[Tensor]
    """Of each layer: (pages, 2, 64, dim) e4m3."""


class AttentionSide:
    """State of one attention GPU."""

    def __init__(
        self, config: FullConfig, index: int, device: torch.device, weights: AttentionWeights
    ) -> None:
        """Allocates it, with caches full of random keys and values."""
        self.config, self.index, self.device, self.weights = config, index, device, weights
        self.outboxes = [
            torch.zeros(message_bytes(config), dtype=torch.uint8, device=device)
            for _ in range(config.num_microbatches)
        ]
        """A micro-batch's message, the parts one after the other."""
        self.microbatches = [
            [
                self._chunk(chunk_number(config, index, microbatch, place), message)
                for place, message in enumerate(Message.parts(outbox, config))
            ]
            for microbatch, outbox in enumerate(self.outboxes)
        ]
        model = config.model
        exponents = torch.arange(0, model.head_dim, 2, device=device) / model.head_dim
        self._frequencies = model.rope_theta**-exponents

    @property
    def chunks(self) -> list[Chunk]:
        """Of all micro-batches."""
        return [chunk for microbatch in self.microbatches for chunk in microbatch]

    def _chunk(self, number: int, message: Message) -> Chunk:
        config, device = self.config, self.device
        rows, hidden, half = config.chunk_rows, config.model.hidden_size, config.model.head_dim // 2
        settings = SliceConfig(batch=rows, context=config.context, seed=config.seed)
        sequences = Sequences(settings, number, device, num_blocks(device))
        wide = torch.float64 if config.exact else torch.float32
        back = torch.float64 if config.exact else torch.bfloat16
        draw = Draw(config.seed, device)
        tokens = torch.randint(
            config.model.vocab_size, (rows,), generator=draw.seeded(Kind.TOKENS, number),
            device=device,
        )  # fmt: skip
        return Chunk(
            number, sequences, tokens,
            residual=torch.zeros(rows, hidden, dtype=wide, device=device),
            cos=torch.zeros(rows, half, device=device),
            sin=torch.zeros(rows, half, device=device),
            message=message,
            received=torch.zeros(config.num_ffn, rows, hidden, dtype=back, device=device),
            caches=[self._cache(draw, sequences, number, layer) for layer in config.numbers],
        )  # fmt: skip

    def _cache(self, draw: Draw, sequences: Sequences, number: int, layer: int) -> Tensor:
        """Each sequence's keys and values have a seed of their own; free pages are zeros."""
        dim = self.config.model.head_dim
        shape = (sequences.num_pages, 2, PAGE_SIZE, dim)
        # As bytes: not every operation knows e4m3.
        cache = torch.zeros(shape, dtype=torch.uint8, device=self.device)
        for row, length in enumerate(sequences.lengths):
            pages = torch.from_numpy(sequences.pages(row, int(length))).to(self.device)
            generator = draw.seeded(Kind.CACHE, layer, number, row)
            values = torch.randn(
                (len(pages), *shape[1:]), generator=generator, device=self.device
            ).div_(K_SCALE)  # fmt: skip
            cache[pages] = values.clamp_(-448, 448).to(torch.float8_e4m3fn).view(torch.uint8)
        return cache.view(torch.float8_e4m3fn)

    def begin(self, microbatch: int) -> None:
        """Embeds a micro-batch's tokens, and turns positions into angles."""
        for each in self.microbatches[microbatch]:
            each.residual.copy_(self.weights.embedding[each.tokens])
            angles = each.sequences.positions[:, None] * self._frequencies[None, :]
            torch.cos(angles, out=each.cos)
            torch.sin(angles, out=each.sin)

    def received_from(self, ffn: int, microbatch: int) -> list[Tensor]:
        """Where the parts of what an FFN GPU sends back land."""
        return [each.received[ffn] for each in self.microbatches[microbatch]]


class AttentionOperators(Protocol):
    """What an attention GPU does, by kernels or by plain torch."""

    side: AttentionSide
    """Whose."""

    def attend(self, position: int, microbatch: int) -> None:
        """One layer up to the message, which is then ready."""

    def finish(self, microbatch: int) -> None:
        """Adds the last results, computes logits and samples the next tokens, greedily."""


def num_blocks(device: torch.device) -> int:
    """Blocks of a GPU that attend: its multiprocessors."""
    if device.type != "cuda":
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
