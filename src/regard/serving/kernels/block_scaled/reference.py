"""FP8 products with block scales in plain torch, float32: linear layers and gated experts."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.kernels.block_fp8.reference import (
    BLOCK,
    dequantise_reference,
    quantise_reference,
)


def dequantise_rows(
    values: Float[Tensor, "rows columns"], scales: Float[Tensor, "blocks rows"]
) -> Float[Tensor, "rows columns"]:
    """Activations in float32; their scales stand block by block, not row by row."""
    return dequantise_reference(values, scales.T)


def dequantise_weight(
    weight: Float[Tensor, "outer inner"], scales: Float[Tensor, "outer_blocks inner_blocks"]
) -> Float[Tensor, "outer inner"]:
    """A weight in float32, one scale for each 128 x 128 of it."""
    outer, inner = weight.shape
    wide = scales.repeat_interleave(BLOCK, 0)[:outer].repeat_interleave(BLOCK, 1)[:, :inner]
    return weight.float() * wide


def fp8_linear_reference(
    x: Float[Tensor, "rows inner"],
    x_scales: Float[Tensor, "inner_blocks rows"],
    weight: Float[Tensor, "outer inner"],
    weight_scales: Float[Tensor, "outer_blocks inner_blocks"],
) -> Float[Tensor, "rows outer"]:
    """`x @ weight.T` of the dequantised operands."""
    return dequantise_rows(x, x_scales) @ dequantise_weight(weight, weight_scales).T


def quantise_rows(
    x: Float[Tensor, "rows columns"],
) -> tuple[Float[Tensor, "rows columns"], Float[Tensor, "blocks rows"]]:
    """e4m3 values and scales: the largest magnitude of each 128 columns becomes 448."""
    num_rows, columns = x.shape
    values = torch.empty(num_rows, columns, dtype=torch.float8_e4m3fn, device=x.device)
    scales = torch.empty(num_rows, columns // BLOCK, device=x.device)
    quantise_reference(x, values, scales)
    return values, scales.T.contiguous()


def gated_linear_reference(
    x: Float[Tensor, "tokens hidden"],
    x_scales: Float[Tensor, "blocks tokens"],
    weight: Float[Tensor, "outer hidden"],
    weight_scales: Float[Tensor, "outer_blocks blocks"],
    chosen: Sequence[Int[Tensor, " rows"]],
) -> list[Float[Tensor, "rows width"]]:
    """For each expert, SwiGLU of its chosen tokens, not quantised.

    `weight` stacks gate and up of one expert after the other.
    """
    tokens = dequantise_rows(x, x_scales)
    wide = dequantise_weight(weight, weight_scales)
    results = []
    for rows, expert in zip(chosen, wide.chunk(len(chosen)), strict=True):
        gate, up = expert.chunk(2)
        own = tokens[rows.long()]
        results.append(F.silu(own @ gate.T) * (own @ up.T))
    return results
