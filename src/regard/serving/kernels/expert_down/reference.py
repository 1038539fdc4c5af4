"""Down projections and combination in plain torch."""

from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.kernels.fp8_linear.reference import fp8_linear_reference


def combine_reference(
    shared: Float[Tensor, "tokens hidden"],
    routed: Float[Tensor, "slots hidden"],
    slots: Int[Tensor, "tokens choices"],
    weights: Float[Tensor, "tokens choices"],
) -> Float[Tensor, "tokens hidden"]:
    """The shared expert's result plus the weighted ones that a token has here; slot -1: none."""
    chosen = routed.float()[slots.clamp(min=0).long()]
    share = weights.where(slots >= 0, weights.new_zeros(()))
    return shared.float() + (chosen * share[:, :, None]).sum(dim=1)


def down_reference(
    x: Float[Tensor, "rows width"],
    x_scales: Float[Tensor, "blocks rows"],
    weight: Float[Tensor, "hidden width"],
    weight_scales: Float[Tensor, "hidden_blocks blocks"],
) -> Float[Tensor, "rows hidden"]:
    """One expert's down projection."""
    return fp8_linear_reference(x, x_scales, weight, weight_scales)
