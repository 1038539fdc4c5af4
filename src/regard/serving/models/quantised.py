"""Weights kept as they stand in a GGUF file."""

from dataclasses import dataclass

import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
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


def column_step(tensor: LoadedTensor) -> int:
    """Columns can be cut at multiples of this: values that share a scale stay together."""
    if isinstance(tensor, QuantisedTensor):
        return GGML_QUANT_SIZES[GGMLQuantizationType[tensor.kind.upper()]][0]
    return 1


def take_rows(tensor: LoadedTensor, rows: slice) -> LoadedTensor:
    """Some rows of a matrix, still quantised if it was."""
    if isinstance(tensor, QuantisedTensor):
        raw = tensor.raw[rows]
        return QuantisedTensor(tensor.kind, raw, (raw.shape[0], tensor.shape[1]))
    return tensor[rows]


def take_columns(tensor: LoadedTensor, columns: slice) -> LoadedTensor:
    """Some columns of a matrix; a quantised one is cut between blocks (`column_step`)."""
    if not isinstance(tensor, QuantisedTensor):
        return tensor[:, columns]
    size, num_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[tensor.kind.upper()]]
    raw = tensor.raw[:, columns.start // size * num_bytes : columns.stop // size * num_bytes]
    return QuantisedTensor(tensor.kind, raw, (tensor.shape[0], columns.stop - columns.start))


def dense(tensor: LoadedTensor) -> Tensor:
    """The tensor itself, dequantised to float32 where it is quantised."""
    return tensor.dequantise() if isinstance(tensor, QuantisedTensor) else tensor
