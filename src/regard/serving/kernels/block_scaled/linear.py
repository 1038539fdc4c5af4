"""Linear layers of attention: in parts, and with rotation."""

from torch import Tensor

from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.block_scaled.build import round_up_rows
from regard.serving.kernels.block_scaled.launch import Launch, Rows, Weight, blocks_a_part, prepare

TILE = 256
"""Rows of the weight that two blocks share."""


def _check(num_rows: int, outer: int, weight: Weight) -> None:
    if outer % TILE or weight.values.shape[0] != outer:
        raise ValueError(f"a weight of {weight.values.shape[0]} rows for {outer} columns")
    if num_rows > round_up_rows(num_rows):
        raise ValueError(f"{num_rows} rows; at most {round_up_rows(num_rows)} pass at a time")


def linear_parts(x: Rows, weight: Weight, out: Tensor, *, spare_blocks: int = 0) -> Launch:
    """`x @ weight.T`, the inner dimension cut in parts whose sum is the result.

    Args:
        x: At most 192 rows.
        weight: (outer, inner), outer a multiple of 256.
        out: (parts, rows, outer) float32.
        spare_blocks: Multiprocessors to leave to other kernels.

    Raises:
        ValueError: A size does not fit.
    """
    num_parts, num_rows, outer = out.shape
    _check(num_rows, outer, weight)
    integers = {
        "num_units": outer // TILE * num_parts,
        "blocks_a_split": blocks_a_part(x.values.shape[1], num_parts),
        "num_tiles": outer // TILE,
        "num_rows": num_rows,
        "outer": outer,
    }
    rows = round_up_rows(num_rows)
    return prepare(
        build.PARTS,
        rows,
        weight,
        x,
        spare_blocks=spare_blocks,
        integers=integers,
        tensors={"out": out},
    )


def query_projection(
    x: Rows, weight: Weight, cos: Tensor, sin: Tensor, out: Tensor, *, spare_blocks: int = 0
) -> Launch:
    """Queries of heads of 256 dimensions, rotated (RoPE over all, halves apart).

    Args:
        x: At most 192 rows.
        weight: (heads * 256, inner).
        cos: (rows, 128) float32 of each row's position.
        sin: The same.
        out: (rows, heads * 256) bfloat16.
        spare_blocks: Multiprocessors to leave to other kernels.

    Raises:
        ValueError: A size does not fit.
    """
    num_rows, outer = out.shape
    _check(num_rows, outer, weight)
    integers = {"num_units": outer // TILE, "num_rows": num_rows, "outer": outer}
    tensors = {"cos": cos, "sin": sin, "out": out}
    rows = round_up_rows(num_rows)
    return prepare(
        build.QUERY,
        rows,
        weight,
        x,
        spare_blocks=spare_blocks,
        integers=integers,
        tensors=tensors,
    )
