# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Gate, up, SwiGLU and quantisation for GPUs (Triton), routed and shared experts in one launch."""

from dataclasses import dataclass

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait
from triton.tools.tensor_descriptor import TensorDescriptor

from regard.serving.kernels.fp8_linear.gpu import accumulate
from regard.serving.kernels.overlap import can_overlap

BLOCK = tl.constexpr(128)
FP8_MAX = tl.constexpr(448.0)
SMALLEST = tl.constexpr(1e-30)


@triton.jit
def _activate_tile(
    w_desc, w_scales, gate_tile, up_tile, x, x_scales, token, inside, inner, num_tokens,
    ROWS: tl.constexpr,
):  # fmt: skip
    num_blocks = inner // BLOCK
    gate = tl.zeros([BLOCK, ROWS], tl.float32)
    up = tl.zeros([BLOCK, ROWS], tl.float32)
    for block in range(0, num_blocks):
        w = w_desc.load([gate_tile * BLOCK, block * BLOCK])
        scale = tl.load(w_scales + gate_tile * num_blocks + block)
        gate = accumulate(
            gate, w, scale, x, x_scales, token, inside, block, inner, num_tokens, ROWS
        )
        w = w_desc.load([up_tile * BLOCK, block * BLOCK])
        scale = tl.load(w_scales + up_tile * num_blocks + block)
        up = accumulate(up, w, scale, x, x_scales, token, inside, block, inner, num_tokens, ROWS)
    return gate / (1.0 + tl.exp(-gate)) * up


@triton.jit
def _gated_linear_kernel(
    w_desc, w_scales, x, x_scales, order, counts, routed, routed_scales, shared, shared_scales,
    inner, num_tokens, capacity, num_experts, num_routed_tiles, shared_tiles, expert_tiles,
    row_tiles, shared_row_tiles, ROWS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    # The shared expert's tiles come first: bound by arithmetic, they run beside the others' reads.
    program = tl.program_id(0)
    num_shared = shared_tiles * shared_row_tiles
    in_tile = tl.arange(0, ROWS)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    is_shared = program < num_shared
    index = tl.where(is_shared, program, program - num_shared)
    per_column = tl.where(is_shared, shared_row_tiles, row_tiles)
    row_tile = index % per_column
    column_tile = index // per_column
    expert = tl.where(is_shared, num_experts, column_tile // expert_tiles)
    column = tl.where(is_shared, column_tile, column_tile % expert_tiles)
    width_tiles = tl.where(is_shared, shared_tiles, expert_tiles)
    place = row_tile * ROWS + in_tile
    count = num_tokens
    if not is_shared:
        count = tl.load(counts + expert)
    inside = place < count
    if row_tile * ROWS < count:
        token = place
        if not is_shared:
            token = tl.load(order + expert * capacity + place, inside, other=0)
        gate_tile = expert * expert_tiles * 2 + column
        hidden = _activate_tile(
            w_desc, w_scales, gate_tile, gate_tile + width_tiles, x, x_scales, token, inside,
            inner, num_tokens, ROWS,
        )  # fmt: skip
        scale = tl.maximum(tl.max(tl.abs(hidden), 0), SMALLEST) / FP8_MAX
        quantised = (hidden / scale[None, :]).to(tl.float8e4nv)
        at = place
        lines = num_tokens
        out = shared
        out_scales = shared_scales
        if not is_shared:
            at = expert * capacity + place
            lines = capacity * num_experts
            out = routed
            out_scales = routed_scales
        width = width_tiles * BLOCK
        line = out + at.to(tl.int64)[None, :] * width + column * BLOCK
        tl.store(line + tl.arange(0, BLOCK)[:, None], quantised, inside[None, :])
        tl.store(out_scales + column * lines + at, scale, inside)


@dataclass(frozen=True)
class GatedTiling:
    """How the work is cut."""

    rows: int = 128
    """Tokens a block of the GPU."""

    num_warps: int = 8
    """Warps a block of the GPU."""

    num_stages: int = 3
    """Tiles of the weight on their way."""


def gated_linear_gpu(
    x: Tensor,
    x_scales: Tensor,
    weight: TensorDescriptor,
    weight_scales: Tensor,
    order: Tensor,
    counts: Tensor,
    routed: tuple[Tensor, Tensor],
    shared: tuple[Tensor, Tensor],
    tiling: GatedTiling,
) -> None:
    """Routed experts over their tokens, then the shared expert over all.

    Args:
        x: (tokens, hidden) e4m3.
        x_scales: (hidden / 128, tokens) float32.
        weight: Of a stack: gate and up of each routed expert, then gate and up of the shared one;
            described in tiles of 128 x 128.
        weight_scales: The stack's, one for each 128 x 128.
        order: (experts, capacity) int32: the tokens of each expert.
        counts: (experts,) int32: how many there are.
        routed: (experts * capacity, width) e4m3 and its scales, written where there are tokens.
        shared: (tokens, shared width) e4m3 and its scales, written.
        tiling: How to cut.
    """
    num_tokens, inner = x.shape
    num_experts, capacity = order.shape
    expert_tiles, shared_tiles = routed[0].shape[1] // 128, shared[0].shape[1] // 128
    row_tiles, shared_row_tiles = capacity // tiling.rows, triton.cdiv(num_tokens, tiling.rows)
    num_routed_tiles = num_experts * expert_tiles * row_tiles
    overlap = can_overlap(x.device)
    _gated_linear_kernel[(num_routed_tiles + shared_tiles * shared_row_tiles,)](
        weight, weight_scales, x, x_scales, order, counts, *routed, *shared,
        inner, num_tokens, capacity, num_experts, num_routed_tiles, shared_tiles, expert_tiles,
        row_tiles, shared_row_tiles, ROWS=tiling.rows, OVERLAP=overlap,
        num_warps=tiling.num_warps, num_stages=tiling.num_stages, launch_pdl=overlap,
    )  # fmt: skip
