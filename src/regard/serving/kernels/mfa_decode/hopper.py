"""Launches the Hopper kernel."""

import importlib.util
import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from regard.serving.kernels.mfa_decode.shapes import HEAD_DIM, NUM_HEADS
from regard.serving.kernels.mfa_decode.tile_map import TileMap

HOPPER = (9, 0)


@dataclass(frozen=True)
class Tiling:
    """How the copies of keys and values are cut."""

    tile: int
    """Tokens a copy."""

    stages: int
    """Tiles of keys, and of values, that shared memory holds."""

    in_flight: int
    """Tiles asked for and not yet there; more would let some multiprocessors outrun others."""


TILINGS = {
    torch.float8_e4m3fn: Tiling(tile=64, stages=4, in_flight=2),
    torch.bfloat16: Tiling(tile=32, stages=4, in_flight=2),
}


@cache
def why_unavailable(device: torch.device) -> str | None:
    """The reason the kernel cannot run on this device, or None where it can."""
    if device.type != "cuda":
        return f"{device.type} is not a CUDA device"
    capability = torch.cuda.get_device_capability(device)
    if capability != HOPPER:
        return f"compute capability {capability[0]}.{capability[1]} is not Hopper's 9.0"
    if importlib.util.find_spec("triton.experimental") is None:
        return "triton with experimental.gluon (3.6) is not installed"
    return None


def mfa_decode_hopper(
    queries: Tensor,
    cache: Tensor,
    block_table: Tensor,
    tile_map: TileMap,
    *,
    scale: float,
    k_scale: float,
    v_scale: float,
    overlap: bool,
    tiling: Tiling | None = None,
) -> Tensor:
    """As `mfa_decode`, on Hopper; may be captured in a CUDA graph."""
    from regard.serving.kernels.mfa_decode.hopper_kernel import describe_rows, mfa_decode_kernel

    tiling = TILINGS[cache.dtype] if tiling is None else tiling
    out = torch.empty_like(queries)
    with torch.cuda.device(queries.device):
        mfa_decode_kernel[(tile_map.num_blocks,)](
            describe_rows(queries, NUM_HEADS, HEAD_DIM),
            describe_rows(cache, tiling.tile, HEAD_DIM),
            describe_rows(cache, tiling.tile, HEAD_DIM // 2),
            describe_rows(out, NUM_HEADS, HEAD_DIM // 2),
            out,
            tile_map.parts,
            tile_map.part_weights,
            tile_map.arrived,
            block_table,
            block_table.stride(0),
            tile_map.records,
            tile_map.block_begin,
            scale * k_scale * math.log2(math.e),
            v_scale,
            STAGES=tiling.stages,
            IN_FLIGHT=tiling.in_flight,
            OVERLAP=overlap,
            num_warps=4,
            launch_pdl=overlap,
        )
    return out
