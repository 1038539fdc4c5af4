"""Weights in 8-bit floats with a scale for each block of rows and columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from regard.serving.errors import WeightsError

SCALE_SUFFIX = "_scale_inv"


@dataclass(frozen=True)
class BlockFp8Tensor:
    """A matrix, or a stack of them, whose values are multiplied by their block's scale."""

    values: Float[Tensor, "*stack rows columns"]
    """float8_e4m3fn."""
    scales: Float[Tensor, "*stack row_blocks column_blocks"]
    """What a block's values are multiplied by; the last blocks may be partial."""
    block: tuple[int, int]
    """Rows and columns of a block."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the values."""
        return tuple(self.values.shape)

    def dequantise(self) -> Float[Tensor, "*stack rows columns"]:
        """The whole in float32, in which every product of a value and a scale is rounded once."""
        rows, columns = self.values.shape[-2:]
        scales = self.scales.float().repeat_interleave(self.block[0], dim=-2)[..., :rows, :]
        scales = scales.repeat_interleave(self.block[1], dim=-1)[..., :columns]
        return self.values.float() * scales

    def expert(self, index: int) -> "BlockFp8Tensor":
        """One matrix of a stack."""
        return BlockFp8Tensor(self.values[index], self.scales[index], self.block)

    def rows(self, rows: slice) -> "BlockFp8Tensor":
        """Some rows, from the beginning of a block on."""
        blocks = _blocks(rows, self.block[0])
        return BlockFp8Tensor(self.values[..., rows, :], self.scales[..., blocks, :], self.block)

    def columns(self, columns: slice) -> "BlockFp8Tensor":
        """Some columns, from the beginning of a block on."""
        blocks = _blocks(columns, self.block[1])
        return BlockFp8Tensor(self.values[..., columns], self.scales[..., blocks], self.block)


def scale_shape(shape: tuple[int, ...], block: tuple[int, int]) -> tuple[int, ...]:
    """Shape of the scales that belong to a tensor of this shape."""
    *stack, rows, columns = shape
    return (*stack, -(-rows // block[0]), -(-columns // block[1]))


def fp8_block(config: Mapping[str, Any], path: Path) -> tuple[int, int] | None:
    """Rows and columns of a block as a config.json says, or None for an unquantised checkpoint.

    Raises:
        WeightsError: another method of quantisation, or no sizes of blocks.
    """
    nested = config.get("text_config") or {}
    options = config.get("quantization_config") or nested.get("quantization_config")
    if options is None:
        return None
    method, block = options.get("quant_method"), options.get("weight_block_size")
    if method != "fp8" or not _is_block(block):
        raise WeightsError(
            path,
            f"quantization_config has quant_method {method!r} and weight_block_size {block!r}; "
            "supported: fp8 with two sizes, as [128, 128]",
        )
    return block[0], block[1]


def _is_block(block: Any) -> bool:
    if not isinstance(block, list) or len(block) != 2:
        return False
    return all(isinstance(size, int) and size > 0 for size in block)


def _blocks(span: slice, size: int) -> slice:
    if span.start % size:
        raise ValueError(f"a cut at {span.start} parts a block of {size} from its scale")
    return slice(span.start // size, -(-span.stop // size))
