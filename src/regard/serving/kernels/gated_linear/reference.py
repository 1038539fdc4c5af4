"""Gate, up, SwiGLU in plain torch, expert by expert."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.kernels.fp8_linear.reference import dequantise_rows, dequantise_weight


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
    for rows, (gate, up) in zip(chosen, _pairs(wide, len(chosen)), strict=True):
        own = tokens[rows.long()]
        results.append(F.silu(own @ gate.T) * (own @ up.T))
    return results


def _pairs(weight: Tensor, num_experts: int) -> list[tuple[Tensor, Tensor]]:
    return [tuple(expert.chunk(2)) for expert in weight.chunk(num_experts)]  # type: ignore[misc]
