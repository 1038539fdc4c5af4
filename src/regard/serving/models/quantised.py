"""Weights kept as they stand in a GGUF file."""

from dataclasses import dataclass

import torch
from gguf import GGMLQuantizationType, quants
from jaxtyping import Float, Int, UInt8
from torch import Tensor


@dataclass(frozen=True)
class QuantisedTensor:
    """A matrix of quantised rows."""

    kind: str
    """GGUF's name in lower case: q4_1, q8_0, ..."""
    raw: UInt8[Tensor, "rows row_bytes"]
    """The file's bytes."""
    shape: tuple[int, int]
    """Rows and columns."""

    def dequantise(self) -> Float[Tensor, "rows columns"]:
        """The whole matrix in float32."""
        return _dequantise(self.raw, self.kind)

    def dequantise_rows(self, rows: Int[Tensor, " picked"]) -> Float[Tensor, "picked columns"]:
        """Some rows in float32."""
        return _dequantise(self.raw[rows], self.kind)


LoadedTensor = Tensor | QuantisedTensor


def _dequantise(raw: Tensor, kind: str) -> Tensor:
    values = quants.dequantize(raw.numpy(), GGMLQuantizationType[kind.upper()])
    return torch.from_numpy(values)


def dense(tensor: LoadedTensor) -> Tensor:
    """The tensor itself, dequantised to float32 where it is quantised."""
    return tensor.dequantise() if isinstance(tensor, QuantisedTensor) else tensor
