"""Which experts a row goes to."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.models.linear import make_multiply
from regard.serving.models.numerics import Numerics


class Router:
    """Softmax over all experts, then the top k; Step-3 does not renormalise them."""

    def __init__(
        self,
        weight: Float[Tensor, "experts hidden"],
        top_k: int,
        numerics: Numerics,
        *,
        renormalise: bool = False,
    ) -> None:
        # It stays float32: a flipped choice changes a token more than any rounding.
        float32 = Numerics(numerics.mode, numerics.device, torch.float32)
        self._multiply = make_multiply([weight.float()], float32)
        self._top_k, self._renormalise = top_k, renormalise

    def __call__(
        self, x: Float[Tensor, "rows hidden"]
    ) -> tuple[Float[Tensor, "rows k"], Int[Tensor, "rows k"]]:
        """Weights (float32) and ids of each row's experts."""
        probabilities = torch.softmax(self._multiply(x.float()), dim=-1)
        weights, ids = torch.topk(probabilities, self._top_k, dim=-1)
        if self._renormalise:
            weights = weights / weights.sum(dim=-1, keepdim=True)
        return weights, ids
