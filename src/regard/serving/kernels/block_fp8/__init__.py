"""Rows as FP8 with a scale for each 128 values."""

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.kernels import native
from regard.serving.kernels.block_fp8.cpu import dequantise_cpu, quantise_cpu
from regard.serving.kernels.block_fp8.reference import (
    BLOCK,
    dequantise_reference,
    quantise_reference,
)

__all__ = ["BLOCK", "dequantise", "quantise"]


def quantise(
    x: Float[Tensor, "rows columns"],
    out: Float[Tensor, "rows columns"],
    scales: Float[Tensor, "rows blocks"],
) -> None:
    """Write e4m3 values and float32 scales: each block's largest magnitude becomes 448."""
    is_plain = x.dtype == torch.float32 and x.is_contiguous()
    if x.device.type == "cpu" and is_plain and native.is_available():
        quantise_cpu(x, out, scales)
    else:
        quantise_reference(x, out, scales)


def dequantise(
    values: Float[Tensor, "rows columns"], scales: Float[Tensor, "rows blocks"]
) -> Float[Tensor, "rows columns"]:
    """The rows in float32."""
    if values.device.type == "cpu" and native.is_available():
        return dequantise_cpu(values, scales)
    return dequantise_reference(values, scales)
