"""How rows look on the way to the FFN instances and back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from regard.serving.errors import InvalidRequestError
from regard.serving.kernels.block_fp8 import BLOCK, dequantise, quantise
from regard.serving.models.feed_forward import FeedForwardInput

ALIGNMENT = 16
"""Bytes at whose multiples the parts of a buffer begin."""


class Shape(NamedTuple):
    """How many rows, how wide, sent to how many experts each."""

    rows: int
    """Rows."""
    hidden: int
    """Their width."""
    top_k: int
    """Routed experts a row; 0 in a dense layer."""


Section = tuple[torch.dtype, int]
"""A matrix in a buffer: its type and its columns."""


class Codec(ABC):
    """Lays rows and results out in buffers of a size known beforehand.

    Rows are followed by their routing: weights in float32, ids in 16 bits.
    """

    name: ClassVar[str]
    """As in `--afd-wire`."""
    result_dtype: ClassVar[torch.dtype]
    """What results are sent as."""

    def __init__(self) -> None:
        self._rows, self._results = _Views(), _Views()

    def rows_nbytes(self, shape: Shape) -> int:
        """Bytes of rows with their routing."""
        return _nbytes(shape.rows, self._sections(shape))

    def encode_rows(self, rows: FeedForwardInput, buffer: UInt8[Tensor, " nbytes"]) -> None:
        """Write rows and routing."""
        shape = shape_of(rows)
        *values, weights, ids = self._rows.get(buffer, shape, self._sections)
        self._write(rows.x, values)
        if shape.top_k:
            weights.copy_(rows.expert_weights)
            ids.copy_(rows.expert_ids)

    def decode_rows(self, buffer: UInt8[Tensor, " nbytes"], shape: Shape) -> FeedForwardInput:
        """Read them; a view of the buffer where the format allows it."""
        *values, weights, ids = self._rows.get(buffer, shape, self._sections)
        return FeedForwardInput(self._read(values), ids.long(), weights)

    def result_nbytes(self, shape: Shape) -> int:
        """Bytes of an FFN instance's share of the result."""
        return self.result_dtype.itemsize * shape.rows * shape.hidden

    def encode_result(
        self, result: Float[Tensor, "rows hidden"], buffer: UInt8[Tensor, " nbytes"]
    ) -> None:
        """Write a result."""
        self._result(buffer, Shape(result.shape[0], result.shape[1], 0)).copy_(result)

    def decode_result(
        self, buffer: UInt8[Tensor, " nbytes"], shape: Shape
    ) -> Float[Tensor, "rows hidden"]:
        """Read a result, in float32; a view of the buffer where it was sent so."""
        return self._result(buffer, shape).float()

    def _result(self, buffer: Tensor, shape: Shape) -> Tensor:
        return self._results.get(buffer, shape, self._result_sections)[0]

    def _result_sections(self, shape: Shape) -> list[Section]:
        return [(self.result_dtype, shape.hidden)]

    def _sections(self, shape: Shape) -> list[Section]:
        routing = [(torch.float32, shape.top_k), (torch.int16, shape.top_k)]
        return [*self._value_sections(shape.hidden), *routing]

    @abstractmethod
    def _value_sections(self, hidden: int) -> list[Section]:
        """What rows are made of on the way."""

    @abstractmethod
    def _write(self, x: Tensor, values: Sequence[Tensor]) -> None:
        """Write rows into those sections."""

    @abstractmethod
    def _read(self, values: Sequence[Tensor]) -> Tensor:
        """Read rows from them."""


class Float32Codec(Codec):
    """Everything in float32, so that nothing is lost; what `--mode exact` sends."""

    name = "float32"
    result_dtype = torch.float32

    def _value_sections(self, hidden: int) -> list[Section]:
        return [(torch.float32, hidden)]

    def _write(self, x: Tensor, values: Sequence[Tensor]) -> None:
        values[0].copy_(x)

    def _read(self, values: Sequence[Tensor]) -> Tensor:
        return values[0]


class Fp8Codec(Codec):
    """FP8 (e4m3) rows with a float32 scale for each 128 values, BF16 back: the paper's wire."""

    name = "fp8"
    result_dtype = torch.bfloat16

    def _value_sections(self, hidden: int) -> list[Section]:
        return [(torch.float8_e4m3fn, hidden), (torch.float32, -(-hidden // BLOCK))]

    def _write(self, x: Tensor, values: Sequence[Tensor]) -> None:
        quantise(x, *values)

    def _read(self, values: Sequence[Tensor]) -> Tensor:
        return dequantise(*values)


CODECS: dict[str, type[Codec]] = {each.name: each for each in (Float32Codec, Fp8Codec)}


def make_codec(name: str, *, is_exact: bool) -> Codec:
    """The codec of a `--afd-wire` option.

    Raises:
        InvalidRequestError: an unknown name, or a lossy wire in exact mode.
    """
    if name == "auto":
        name = "float32" if is_exact else "fp8"
    if name not in CODECS:
        known = ", ".join(["auto", *CODECS])
        raise InvalidRequestError(f"unknown wire {name!r}; known: {known}", param="afd_wire")
    if is_exact and name != "float32":
        raise InvalidRequestError(
            f"mode exact sends float32 and quantises nothing; the wire is {name!r}",
            param="afd_wire",
        )
    return CODECS[name]()


def shape_of(rows: FeedForwardInput) -> Shape:
    """Rows, width and experts a row."""
    return Shape(rows.x.shape[0], rows.x.shape[1], rows.expert_ids.shape[1])


def _nbytes(rows: int, sections: Sequence[Section]) -> int:
    return sum(_aligned(rows * columns * dtype.itemsize) for dtype, columns in sections)


class _Views:
    """Views into buffers, made once: a link has few buffers and they stay where they are.

    A view keeps its buffer's memory, so no other buffer can be at that address meanwhile.
    """

    MAX_KEPT = 256

    def __init__(self) -> None:
        self._kept: dict[tuple[int, Shape], list[Tensor]] = {}

    def get(
        self, buffer: Tensor, shape: Shape, sections: Callable[[Shape], Sequence[Section]]
    ) -> list[Tensor]:
        key = (buffer.data_ptr(), shape)
        views = self._kept.get(key)
        if views is None:
            if len(self._kept) >= self.MAX_KEPT:
                self._kept.clear()
            views = self._kept[key] = _split(buffer, shape.rows, sections(shape))
        return views


def _split(buffer: Tensor, rows: int, sections: Sequence[Section]) -> list[Tensor]:
    parts, start = [], 0
    for dtype, columns in sections:
        nbytes = rows * columns * dtype.itemsize
        parts.append(buffer[start : start + nbytes].view(dtype).view(rows, columns))
        start += _aligned(nbytes)
    return parts


def _aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
