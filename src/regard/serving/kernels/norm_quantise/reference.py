"""Sum, RMSNorm and quantisation in plain torch."""

from jaxtyping import Float
from torch import Tensor

from regard.serving.kernels.block_scaled.reference import quantise_rows


def sum_norm_quantise_reference(
    residual: Float[Tensor, "rows columns"],
    parts: Float[Tensor, "parts rows columns"],
    weight: Float[Tensor, " columns"],
    eps: float,
) -> tuple[
    Float[Tensor, "rows columns"],
    Float[Tensor, "rows columns"],
    Float[Tensor, "rows columns"],
    Float[Tensor, "blocks rows"],
]:
    """The new residual, its normalised rows, and these in e4m3 with their scales."""
    residual = residual + parts.float().sum(dim=0)
    normed = residual * (residual.square().mean(dim=1, keepdim=True) + eps).rsqrt() * weight
    return residual, normed, *quantise_rows(normed)
