"""Number formats and the memory one element of each takes."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from regard.serving.cost.errors import CostError


class Precision(StrEnum):
    """A number format of weights, of the KV cache or of arithmetic."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP8 = "fp8"
    INT8 = "int8"
    MXFP4 = "mxfp4"

    @property
    def bytes_per_element(self) -> float:
        """Bytes one element takes; block scales of FP8 and INT8 are left out, as in the paper."""
        return BYTES_PER_ELEMENT[self]


BYTES_PER_ELEMENT = MappingProxyType(
    {
        Precision.FP32: 4.0,
        Precision.BF16: 2.0,
        Precision.FP8: 1.0,
        Precision.INT8: 1.0,
        # Four bits and an eight-bit scale for every 32 elements.
        Precision.MXFP4: 4.25 / 8,
    }
)


def parse_precision(name: str) -> Precision:
    """The format of that name.

    Raises:
        CostError: There is no such format.
    """
    try:
        return Precision(name.lower())
    except ValueError:
        choices = ", ".join(Precision)
        raise CostError(f"unknown precision {name!r}; choose one of: {choices}") from None
