"""The shapes that every version of MFA decode is made for, and the check of arguments."""

import torch
from torch import Tensor

from regard.serving.kernels.mfa_decode.tile_map import PAGE_SIZE, TileMap

NUM_HEADS = 64
HEAD_DIM = 256
CACHE_TYPES = (torch.bfloat16, torch.float8_e4m3fn)


def check_arguments(queries: Tensor, cache: Tensor, block_table: Tensor, tile_map: TileMap) -> None:
    """Refuses, in one line, what `mfa_decode` was not made for.

    Raises:
        ValueError: The message names the argument, what it is and what it should be.
    """
    num_sequences = queries.shape[0]
    pages = ("pages", 2, PAGE_SIZE, HEAD_DIM)
    _check("queries", queries, ("sequences", NUM_HEADS, HEAD_DIM), (torch.bfloat16,))
    _check("cache", cache, pages, CACHE_TYPES)
    _check("block_table", block_table, (num_sequences, "width"), (torch.int32,))
    if num_sequences != tile_map.num_sequences:
        raise ValueError(
            f"queries of {num_sequences} sequences, a tile map of {tile_map.num_sequences}: "
            "make the map from the same sequences"
        )
    for name, tensor in (("cache", cache), ("block_table", block_table)):
        if tensor.device != queries.device:
            raise ValueError(f"{name} is on {tensor.device}, queries on {queries.device}")
    if tile_map.records.device != queries.device:
        raise ValueError(f"tile_map is on {tile_map.records.device}, queries on {queries.device}")


def _check(
    name: str, tensor: Tensor, shape: tuple[int | str, ...], dtypes: tuple[torch.dtype, ...]
) -> None:
    sizes = tuple(tensor.shape)
    fits = len(sizes) == len(shape) and all(
        isinstance(wanted, str) or size == wanted for size, wanted in zip(sizes, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{name} has shape {sizes}; give ({wanted})")
    if tensor.dtype not in dtypes:
        raise ValueError(f"{name} is {tensor.dtype}; give {' or '.join(map(str, dtypes))}")
    if not tensor.is_contiguous():
        raise ValueError(f"{name} is not contiguous; give its contiguous()")
