"""One FFN GPU: where the messages of all attention GPUs land, and what goes back."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.layout import Share
from benchmarks.serving.full.message import Message, message_bytes
from benchmarks.serving.full.weights import FfnLayer


@dataclass(frozen=True)
class Inbox:
    """Of one micro-batch, used by all layers in turn."""

    buffers: list[Tensor]
    """A message of each attention GPU; views of `everything`."""
    everything: Tensor
    """(attention GPUs * bytes,) uint8."""
    messages: list[Message]
    """All parts of all messages, in order."""
    result: Tensor
    """(tokens, hidden) bfloat16, or float64: this GPU's sums for the tokens of all of them."""


class FfnSide:
    """State of one FFN GPU."""

    def __init__(
        self, config: FullConfig, index: int, device: torch.device, layers: list[FfnLayer]
    ) -> None:
        """Allocates inboxes."""
        self.config, self.index, self.device, self.layers = config, index, device, layers
        self.share = Share.of(config, index)
        self.inboxes = [self._inbox() for _ in range(config.num_microbatches)]

    def _inbox(self) -> Inbox:
        config, size = self.config, message_bytes(self.config)
        shape = (config.num_attention * size,)
        everything = torch.zeros(shape, dtype=torch.uint8, device=self.device)
        buffers = list(everything.split(size))
        kind = torch.float64 if config.exact else torch.bfloat16
        shape = (config.num_tokens, config.model.hidden_size)
        return Inbox(
            buffers,
            everything,
            [part for buffer in buffers for part in Message.parts(buffer, config)],
            torch.zeros(shape, dtype=kind, device=self.device),
        )

    def results_for(self, attention: int, microbatch: int) -> list[Tensor]:
        """What goes back to an attention GPU, part by part of its micro-batch."""
        config, result = self.config, self.inboxes[microbatch].result
        own = result[attention * config.batch : (attention + 1) * config.batch]
        return list(own.split(config.chunk_rows))


class FfnOperators(Protocol):
    """What an FFN GPU does, by kernels or by plain torch."""

    side: FfnSide
    """Whose."""

    def take_in(self, position: int, microbatch: int) -> None:
        """Puts the tokens of all messages in one place, and finds those of its experts."""

    def compute(self, position: int, microbatch: int) -> None:
        """Its share of a layer for all tokens, into the inbox's `result`."""
