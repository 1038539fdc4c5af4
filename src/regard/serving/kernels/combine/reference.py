"""Each token's sum over its experts in plain torch."""

from jaxtyping import Float, Int
from torch import Tensor


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
