"""What an attention GPU sends to an FFN server: FP8 tokens, their scales, their routes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.serving.slice.config import MODEL, NUM_SERVERS
from regard.serving.kernels.block_scaled.launch import Rows


@dataclass(frozen=True)
class Message:
    """One buffer, copied in one piece, and its parts."""

    buffer: Tensor
    """(bytes,) uint8."""
    rows: Rows
    """(batch, hidden) e4m3 and their scales."""
    chosen: Tensor
    """(batch, 3) int32: experts."""
    shares: Tensor
    """(batch, 3) float32: the router's weights."""

    @staticmethod
    def allocate(batch: int, device: torch.device) -> "Message":
        """An empty one."""
        hidden, choices = MODEL.hidden_size, MODEL.num_experts_per_token
        sizes = (
            batch * hidden,
            hidden // 128 * batch * 4,
            batch * choices * 4,
            batch * choices * 4,
        )
        buffer = torch.zeros(sum(sizes), dtype=torch.uint8, device=device)
        values, scales, chosen, shares = buffer.split(sizes)
        return Message(
            buffer,
            Rows(
                values.view(torch.float8_e4m3fn).view(batch, hidden),
                scales.view(torch.float32).view(hidden // 128, batch),
            ),
            chosen.view(torch.int32).view(batch, choices),
            shares.view(torch.float32).view(batch, choices),
        )

    @property
    def wire_bytes(self) -> int:
        """Bytes that leave the NIC: a copy for each FFN server."""
        return NUM_SERVERS * self.buffer.numel()
