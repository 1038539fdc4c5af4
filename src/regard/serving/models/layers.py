"""Small layers that several models share."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, QuantisedTensor


class RMSNorm:
    """x / rms(x) * weight over the last dimension."""

    def __init__(self, weight: Tensor, eps: float, numerics: Numerics) -> None:
        self._weight = weight.to(numerics.device, numerics.activation_dtype)
        self._eps = eps

    def __call__(self, x: Float[Tensor, "rows hidden"]) -> Float[Tensor, "rows hidden"]:
        """Normalise each row."""
        return F.rms_norm(x, self._weight.shape, self._weight, self._eps)


class Embedding:
    """Token embedding; a quantised table stays so and its rows are dequantised when read."""

    def __init__(self, table: LoadedTensor, numerics: Numerics) -> None:
        self._numerics = numerics
        self._table = table
        if not isinstance(table, QuantisedTensor) or numerics.device.type != "cpu":
            full = table.dequantise() if isinstance(table, QuantisedTensor) else table
            self._table = full.to(numerics.device)

    def __call__(self, token_ids: Int[Tensor, " rows"]) -> Float[Tensor, "rows hidden"]:
        """Look the rows up."""
        if isinstance(self._table, QuantisedTensor):
            return self._table.dequantise_rows(token_ids)
        return self._table[token_ids].to(self._numerics.activation_dtype)


def swiglu(gate_up: Float[Tensor, "rows double"]) -> Float[Tensor, "rows half"]:
    """silu(gate) * up of two halves that stand side by side."""
    gate, up = gate_up.chunk(2, dim=-1)
    return torch.nn.functional.silu(gate) * up
