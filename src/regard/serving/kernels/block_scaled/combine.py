"""The shared expert's down projection, to which each token's routed results are added."""

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.serving.kernels.block_scaled import build, launch
from regard.serving.kernels.block_scaled.launch import Launch, Rows, Weight, prepare

TILE = 256
NUM_CHOICES = 3


@dataclass(frozen=True)
class Routed:
    """What the routed experts left (`experts.routed_down`), and whose it is."""

    parts: Tensor
    """(parts, experts * capacity, hidden) bfloat16; only cut tiles have more than the first."""

    slots: Tensor
    """(tokens, 3) int32: rows of a part, or -1."""

    shares: Tensor
    """(tokens, 3) float32: the router's weights."""

    capacity: int
    """Rows that an expert has room for."""

    num_whole: int
    """Tiles of 256 columns, counted expert by expert, that are not cut."""


def best_rows(num_rows: int, num_tiles: int, num_clusters: int) -> int:
    """The build that keeps pairs of blocks busy for the shortest time; of equals the largest."""

    def turns(rows: int) -> int:
        units = num_tiles * -(-num_rows // rows)
        return -(-units // num_clusters) * rows

    return min(build.ROWS, key=lambda rows: (turns(rows), -rows))


def combined_down(
    x: Rows, weight: Weight, routed: Routed | None, out: Tensor, *, spare_blocks: int = 0
) -> Launch:
    """`x @ weight.T` plus, for each token, the shares of its routed results, cut ones added up.

    Args:
        x: (tokens, width).
        weight: (hidden, width), hidden a multiple of 256.
        routed: None where a layer has no routed experts.
        out: (tokens, hidden) bfloat16, written.
        spare_blocks: Multiprocessors to leave to other kernels.

    Raises:
        ValueError: A size does not fit.
    """
    num_rows, outer = out.shape
    if outer % TILE or weight.values.shape[0] != outer:
        raise ValueError(f"a weight of {weight.values.shape[0]} rows for {outer} columns")
    device = x.values.device
    most = torch.cuda.get_device_properties(device).multi_processor_count - spare_blocks
    num_tiles = outer // TILE
    rows = best_rows(num_rows, num_tiles, most // 2)
    integers = {
        "num_units": num_tiles * -(-num_rows // rows),
        "num_tiles": num_tiles,
        "num_rows": num_rows,
        "outer": outer,
    }
    tensors = {"out": out}
    if routed is not None:
        num_parts, lines, columns = routed.parts.shape
        if routed.slots.shape != (num_rows, NUM_CHOICES) or columns != outer:
            raise ValueError(
                f"slots {tuple(routed.slots.shape)} of results of {columns} columns; give "
                f"({num_rows}, {NUM_CHOICES}) of {outer}"
            )
        integers |= {
            "num_splits": num_parts,
            "num_whole": routed.num_whole,
            "capacity": routed.capacity,
            "lines": lines,
        }
        tensors |= {"routed": routed.parts, "slots": routed.slots, "shares": routed.shares}
    return prepare(
        launch.COMBINE,
        rows,
        weight,
        x,
        spare_blocks=spare_blocks,
        integers=integers,
        tensors=tensors,
    )
