# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""MFA decode on Hopper: shared memory, barriers, the four roles."""

from typing import Any

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import fence_async_shared, mbarrier
from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

from regard.serving.kernels.mfa_decode.hopper_compute import compute
from regard.serving.kernels.mfa_decode.hopper_copies import (
    DIM,
    HALF,
    HEADS,
    copy_queries,
    copy_tiles,
)

FLAT = gl.constexpr(gl.SwizzledSharedLayout(1, 1, 1, [0]))
BYTES_LAYOUT = gl.constexpr(gl.NVMMASharedLayout(128, 8, 2))
HALFWORD_LAYOUT = gl.constexpr(gl.NVMMASharedLayout(128, 16, 2))


@gluon.jit
def _barriers(NUM: gl.constexpr, COUNT: gl.constexpr):
    bars = gl.allocate_shared_memory(gl.int64, [NUM, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(NUM):
        mbarrier.init(bars.index(i), count=COUNT)
    return bars


@gluon.jit
def _allocate_buffers(k_desc, v_desc, STAGES: gl.constexpr):
    KIND: gl.constexpr = k_desc.dtype
    TILE: gl.constexpr = k_desc.block_shape[0]
    IS_FP8: gl.constexpr = KIND.primitive_bitwidth == 8
    keys = gl.allocate_shared_memory(KIND, [STAGES, TILE, DIM], k_desc.layout)
    values = gl.allocate_shared_memory(KIND, [STAGES * 2, TILE, HALF], v_desc.layout)
    wide = gl.allocate_shared_memory(gl.float16, [4 if IS_FP8 else 2, 64, HALF], HALFWORD_LAYOUT)
    if IS_FP8:
        # The 16-bit values take the place of the query once it is quantised.
        query = wide._reinterpret(gl.bfloat16, [2, HEADS, DIM], HALFWORD_LAYOUT)
        terms = gl.allocate_shared_memory(KIND, [2, HEADS, DIM], BYTES_LAYOUT)
    else:
        query = gl.allocate_shared_memory(gl.bfloat16, [2, HEADS, DIM], HALFWORD_LAYOUT)
        terms = query
    return query, terms, (keys, values, wide)


@gluon.jit
def mfa_decode_kernel(
    q_desc,
    k_desc,
    v_desc,
    out_desc,
    out_ptr,
    parts,
    weights,
    arrived,
    table,
    stride,
    records,
    block_begin,
    factor,
    v_scale,
    STAGES: gl.constexpr,
    IN_FLIGHT: gl.constexpr,
    OVERLAP: gl.constexpr,
):
    """One block an SM; each works off the pieces that the tile map gives it."""
    SLOTS: gl.constexpr = 1 if k_desc.dtype.primitive_bitwidth == 8 else 2
    query, terms, buffers = _allocate_buffers(k_desc, v_desc, STAGES)
    keys, values, wide = buffers
    row_scale = gl.allocate_shared_memory(gl.float32, [HEADS], FLAT)
    stats = gl.allocate_shared_memory(gl.float32, [4, HEADS], FLAT)
    rows = (terms, row_scale, stats)
    q_full = _barriers(SLOTS, 1)
    q_empty = _barriers(SLOTS, 2)
    bars = (q_full, q_empty, _barriers(1, 2).index(0), _barriers(1, 2).index(0))
    kv_bars = (
        _barriers(STAGES, 1),
        _barriers(STAGES, 1),
        _barriers(STAGES, 1),
        _barriers(STAGES, 1),
    )
    fence_async_shared()
    targets = (out_desc, out_ptr, (parts, weights, arrived))
    work = (records, block_begin)
    tiles = (k_desc, v_desc, table, stride, work, keys, values, kv_bars, IN_FLIGHT, OVERLAP)
    gl.warp_specialize(
        [
            (compute, (targets, work, factor, v_scale, query, rows, buffers, bars, kv_bars, 0)),
            (compute, (targets, work, factor, v_scale, query, rows, buffers, bars, kv_bars, 1)),
            (copy_tiles, tiles),
            (copy_queries, (q_desc, work, query, q_full, q_empty, SLOTS)),
        ],
        [4, 1, 1],
        [240, 24, 24],
    )


def describe_rows(tensor: Any, num_rows: int, num_columns: int) -> Any:
    """A descriptor for copies of so many rows and columns of a tensor that consists of rows."""
    layout = gl.NVMMASharedLayout(128, tensor.element_size() * 8, 2)
    return TensorDescriptor.from_tensor(tensor.view(-1, DIM.value), [num_rows, num_columns], layout)
