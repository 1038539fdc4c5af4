"""Tensors as they come out of a model's files, plain or quantised, and how to cut them."""

import math
from dataclasses import dataclass

import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from regard.serving.models.block_fp8 import BlockFp8Tensor


@dataclass(frozen=True)
class QuantisedTensor:
    """A matrix of quantised rows as they stand in a GGUF file."""

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


LoadedTensor = Tensor | QuantisedTensor | BlockFp8Tensor


def _dequantise(raw: Tensor, kind: str) -> Tensor:
    values = quants.dequantize(raw.numpy(), GGMLQuantizationType[kind.upper()])
    return torch.from_numpy(values)


def cut_step(tensor: LoadedTensor) -> int:
    """The inner width can be cut at multiples of this: values that share a scale stay together."""
    if isinstance(tensor, QuantisedTensor):
        return GGML_QUANT_SIZES[GGMLQuantizationType[tensor.kind.upper()]][0]
    if isinstance(tensor, BlockFp8Tensor):
        return math.lcm(*tensor.block)
    return 1


def take_expert(stack: LoadedTensor, expert: int) -> LoadedTensor:
    """One matrix of a stack, still quantised if it was."""
    if isinstance(stack, QuantisedTensor):
        raise TypeError("a GGUF matrix is no stack of experts")
    return stack.expert(expert) if isinstance(stack, BlockFp8Tensor) else stack[expert]


def take_rows(tensor: LoadedTensor, rows: slice) -> LoadedTensor:
    """Some rows of a matrix, still quantised if it was."""
    if isinstance(tensor, QuantisedTensor):
        raw = tensor.raw[rows]
        return QuantisedTensor(tensor.kind, raw, (raw.shape[0], tensor.shape[1]))
    return tensor.rows(rows) if isinstance(tensor, BlockFp8Tensor) else tensor[rows]


def take_columns(tensor: LoadedTensor, columns: slice) -> LoadedTensor:
    """Some columns of a matrix; a quantised one is cut between blocks (`cut_step`)."""
    if isinstance(tensor, BlockFp8Tensor):
        return tensor.columns(columns)
    if not isinstance(tensor, QuantisedTensor):
        return tensor[:, columns]
    size, num_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[tensor.kind.upper()]]
    raw = tensor.raw[:, columns.start // size * num_bytes : columns.stop // size * num_bytes]
    return QuantisedTensor(tensor.kind, raw, (tensor.shape[0], columns.stop - columns.start))


def dense(tensor: LoadedTensor) -> Tensor:
    """The tensor itself, dequantised to float32 where it is quantised."""
    return tensor if isinstance(tensor, Tensor) else tensor.dequantise()
