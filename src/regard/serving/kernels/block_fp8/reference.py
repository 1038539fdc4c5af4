"""FP8 rows with a scale for each 128 values, in plain torch."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

BLOCK = 128
"""Values that share a scale in an FP8 row, as in the checkpoint's activations."""
FP8_MAX = 448.0
SMALLEST = 1e-30
"""Largest magnitude that a block of zeros is taken to have."""


def quantise_reference(
    x: Float[Tensor, "rows columns"],
    out: Float[Tensor, "rows columns"],
    scales: Float[Tensor, "rows blocks"],
) -> None:
    """Write e4m3 values and float32 scales: each block's largest magnitude becomes 448."""
    rows, columns = x.shape
    blocks = F.pad(x.float(), (0, -columns % BLOCK)).view(rows, -1, BLOCK)
    scales.copy_(blocks.abs().amax(dim=2).clamp(min=SMALLEST) / FP8_MAX)
    scaled = (blocks / scales[:, :, None]).view(rows, -1)
    out.copy_(scaled[:, :columns].to(torch.float8_e4m3fn))


def dequantise_reference(
    values: Float[Tensor, "rows columns"], scales: Float[Tensor, "rows blocks"]
) -> Float[Tensor, "rows columns"]:
    """The rows in float32."""
    wide = scales.repeat_interleave(BLOCK, dim=1)[:, : values.shape[1]]
    return values.float() * wide
