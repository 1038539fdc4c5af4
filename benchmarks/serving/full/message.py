"""What an attention GPU sends to every FFN GPU: tokens, scales and routes in one piece."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.layout import BLOCK
from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.block_scaled.reference import dequantise_rows, quantise_rows


def part_sizes(config: FullConfig) -> tuple[int, int, int, int]:
    """Bytes of values, scales, experts and shares of one part of a micro-batch."""
    rows, hidden = config.chunk_rows, config.model.hidden_size
    routes = rows * config.model.num_experts_per_token * 4
    if config.exact:
        return rows * hidden * 8, 0, routes, routes
    return rows * hidden, hidden // BLOCK * rows * 4, routes, routes


def message_bytes(config: FullConfig) -> int:
    """Bytes of a micro-batch on their way from one attention GPU to one FFN GPU."""
    return config.num_chunks * sum(part_sizes(config))


def result_bytes(config: FullConfig) -> int:
    """Bytes of a micro-batch on their way from one FFN GPU to one attention GPU."""
    return config.batch * config.model.hidden_size * (8 if config.exact else 2)


def step_bytes(config: FullConfig) -> tuple[int, int]:
    """Bytes over all links in one step, to the FFN GPUs and back."""
    trips = config.num_layers * config.num_microbatches * config.num_attention * config.num_ffn
    return trips * message_bytes(config), trips * result_bytes(config)


@dataclass(frozen=True)
class Message:
    """One part of a micro-batch; views of one buffer."""

    rows: Rows
    """(rows, hidden) e4m3 and (hidden / 128, rows) scales; in exact mode float64, without any."""
    chosen: Tensor
    """(rows, choices) int32: experts."""
    shares: Tensor
    """(rows, choices) float32: the router's weights."""

    @staticmethod
    def parts(buffer: Tensor, config: FullConfig) -> list["Message"]:
        """The parts of a buffer of one micro-batch, (bytes,) uint8."""
        return [Message._view(each, config) for each in buffer.split(sum(part_sizes(config)))]

    @staticmethod
    def _view(buffer: Tensor, config: FullConfig) -> "Message":
        rows, hidden = config.chunk_rows, config.model.hidden_size
        values, scales, chosen, shares = buffer.split(part_sizes(config))
        kind = torch.float64 if config.exact else torch.float8_e4m3fn
        return Message(
            Rows(values.view(kind).view(rows, hidden), scales.view(torch.float32).view(-1, rows)),
            chosen.view(torch.int32).view(rows, -1),
            shares.view(torch.float32).view(rows, -1),
        )

    def put(self, tokens: Tensor) -> None:
        """Writes rows, (rows, hidden), quantised where the message is."""
        if self.rows.values.dtype == torch.float64:
            self.rows.values.copy_(tokens)
            return
        values, scales = quantise_rows(tokens.float())
        self.rows.values.copy_(values)
        self.rows.scales.copy_(scales)

    def tokens(self) -> Tensor:
        """The rows in float32, or float64."""
        if self.rows.values.dtype == torch.float64:
            return self.rows.values.clone()
        return dequantise_rows(self.rows.values, self.rows.scales)
