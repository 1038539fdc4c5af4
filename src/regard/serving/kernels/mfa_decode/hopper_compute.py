# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""The two warpgroups that compute: scores, online softmax, weighted values."""

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import (
    fence_async_shared,
    mbarrier,
    warpgroup_mma,
    warpgroup_mma_wait,
)

from regard.serving.kernels.mfa_decode.hopper_copies import HALF, HEADS, PAGE, RECORD
from regard.serving.kernels.mfa_decode.hopper_output import OUT_LAYOUT, join, write

WORD_LAYOUT = gl.constexpr(gl.NVMMASharedLayout(128, 32, 2))


@gluon.jit
def _quantise_query(query, terms, row_scale, WG: gl.constexpr):
    # Two e4m3 terms carry a query to about 2^-9; each warpgroup quantises half of the heads.
    LAYOUT: gl.constexpr = gl.BlockedLayout([1, 8], [1, 32], [4, 1], [1, 0])
    q = query.slice(WG * 32, 32, dim=0).load(LAYOUT).to(gl.float32)
    largest = gl.maximum(gl.max(gl.abs(q), axis=1), 1e-30)
    q = q * (448.0 / largest)[:, None]
    high = q.to(gl.float8e4nv)
    terms.index(0).slice(WG * 32, 32, dim=0).store(high)
    low = (q - high.to(gl.float32)).to(gl.float8e4nv)
    terms.index(1).slice(WG * 32, 32, dim=0).store(low)
    row_scale.slice(WG * 32, 32, dim=0).store(largest * (1.0 / 448.0))
    fence_async_shared()
    gl.thread_barrier()


@gluon.jit
def _widen(values, stage, wide, WG: gl.constexpr):
    # One half of the dimensions after the other: together they would not fit the registers.
    LAYOUT: gl.constexpr = gl.BlockedLayout([1, 8], [2, 16], [4, 1], [1, 0])
    wide.index(WG * 2).store(values.index(stage * 2).load(LAYOUT).to(gl.float16))
    wide.index(WG * 2 + 1).store(values.index(stage * 2 + 1).load(LAYOUT).to(gl.float16))
    fence_async_shared()
    gl.thread_barrier()


@gluon.jit
def _opaque_zero():
    # Keeps the compiler from holding what depends on it in registers across a loop.
    return gl.inline_asm_elementwise(
        "mov.u32 $0, 0;", "=r", [], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def _issue_scores(terms, slot, keys, index, full):
    STAGES: gl.constexpr = keys.shape[0]
    TILE: gl.constexpr = keys.shape[1]
    DEPTH: gl.constexpr = 256 // keys.dtype.primitive_bitwidth
    LAYOUT: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, TILE, DEPTH])
    stage = index % STAGES
    mbarrier.wait(full.index(stage), (index // STAGES) & 1)
    k = keys.index(stage).permute((1, 0))
    s = gl.zeros([HEADS, TILE], gl.float32, layout=LAYOUT)
    slot += _opaque_zero()
    s = warpgroup_mma(terms.index(slot), k, s, use_acc=False, is_async=True)
    if keys.dtype.primitive_bitwidth == 8:
        s = warpgroup_mma(terms.index(slot + 1), k, s, is_async=True)
    return s


@gluon.jit
def _fold(s, factor, left, state):
    # The online softmax: weights of this tile, and the state rescaled to the new maximum.
    acc0, acc1, top, total = state
    # Masked in every tile: a branch around it makes one release of the assembler crash.
    columns = gl.arange(0, s.shape[1], layout=gl.SliceLayout(0, s.type.layout))
    s = gl.where((columns < left)[None, :], s, -1e38)
    new_top = gl.maximum(top, gl.max(s, axis=1) * factor)
    weights = gl.exp2(s * factor[:, None] - new_top[:, None])
    fade = gl.exp2(top - new_top)
    total = total * fade + gl.sum(weights, axis=1)
    fade = gl.convert_layout(fade, gl.SliceLayout(1, OUT_LAYOUT))
    return weights, (acc0 * fade[:, None], acc1 * fade[:, None], new_top, total)


@gluon.jit
def _step(operands, buffers, bars, index, left, s, state, WG: gl.constexpr, LAST: gl.constexpr):
    # The next tile's scores are computed while this tile's values are widened and weighted.
    terms, slot, factor = operands
    keys, values, wide = buffers
    k_full, k_empty, v_full, v_empty = bars
    STAGES: gl.constexpr = keys.shape[0]
    IS_FP8: gl.constexpr = keys.dtype.primitive_bitwidth == 8
    WEIGHT_TYPE: gl.constexpr = gl.float16 if IS_FP8 else gl.bfloat16
    WEIGHT_LAYOUT: gl.constexpr = gl.DotOperandLayout(0, OUT_LAYOUT, 2)
    stage = index % STAGES
    weights, state = _fold(s, factor, left, state)
    acc0, acc1, top, total = state
    p = gl.convert_layout(weights.to(WEIGHT_TYPE), WEIGHT_LAYOUT)
    if not LAST:
        s = _issue_scores(terms, slot, keys, index + 2, k_full)
    mbarrier.wait(v_full.index(stage), (index // STAGES) & 1)
    if IS_FP8:
        _widen(values, stage, wide, WG)
        mbarrier.arrive(v_empty.index(stage))
        acc0 = warpgroup_mma(p, wide.index(WG * 2), acc0, is_async=True)
        acc1 = warpgroup_mma(p, wide.index(WG * 2 + 1), acc1, is_async=True)
    else:
        acc0 = warpgroup_mma(p, values.index(stage * 2), acc0, is_async=True)
        acc1 = warpgroup_mma(p, values.index(stage * 2 + 1), acc1, is_async=True)
    if LAST:
        acc0, acc1 = warpgroup_mma_wait(0, deps=(acc0, acc1))
    else:
        s, acc0, acc1 = warpgroup_mma_wait(0, deps=(s, acc0, acc1))
    gl.thread_barrier()
    if not IS_FP8:
        mbarrier.arrive(v_empty.index(stage))
    if not LAST:
        mbarrier.arrive(k_empty.index((index + 2) % STAGES))
    return s, (acc0, acc1, top, total)


@gluon.jit
def _attend(operands, buffers, bars, ring, num_tiles, left, state, WG: gl.constexpr):
    terms, slot, factor = operands
    keys, values, wide = buffers
    k_full, k_empty, v_full, v_empty = bars
    STAGES: gl.constexpr = keys.shape[0]
    TILE: gl.constexpr = keys.shape[1]
    if num_tiles > WG:
        s = _issue_scores(terms, slot, keys, ring + WG, k_full)
        s = warpgroup_mma_wait(0, deps=(s,))
        gl.thread_barrier()
        mbarrier.arrive(k_empty.index((ring + WG) % STAGES))
        last = num_tiles - 1 - ((num_tiles - 1 - WG) & 1)
        for j in range(WG, last, 2):
            at = left - j * TILE
            s, state = _step(operands, buffers, bars, ring + j, at, s, state, WG, False)
        at = left - last * TILE
        s, state = _step(operands, buffers, bars, ring + last, at, s, state, WG, True)
    return state


@gluon.jit
def _swap_buffers(query, wide, slot, IS_FP8: gl.constexpr):
    if IS_FP8:
        both = wide._reinterpret(gl.float32, [2, HEADS, HALF], WORD_LAYOUT)
        swap0 = both.index(0)
        swap1 = both.index(1)
    else:
        swap0 = wide._reinterpret(gl.float32, [HEADS, HALF], WORD_LAYOUT)
        swap1 = query.index(slot)._reinterpret(gl.float32, [HEADS, HALF], WORD_LAYOUT)
    return swap0, swap1


@gluon.jit
def _load_record(records, item):
    at = records + item * RECORD
    return gl.load(at), gl.load(at + 2), gl.load(at + 3), gl.load(at + 4), gl.load(at + 5)


@gluon.jit
def compute(targets, work, factor, v_scale, query, rows, buffers, bars, kv_bars, WG: gl.constexpr):
    """One warpgroup: every second tile of its block's pieces; then half of each result."""
    records, block_begin = work
    terms, row_scale, stats = rows
    keys, values, wide = buffers
    q_full, q_empty, ready, swapped = bars
    IS_FP8: gl.constexpr = keys.dtype.primitive_bitwidth == 8
    TILE: gl.constexpr = keys.shape[1]
    SLOTS: gl.constexpr = 1 if IS_FP8 else 2
    DEPTH: gl.constexpr = 256 // keys.dtype.primitive_bitwidth
    ROWS: gl.constexpr = gl.SliceLayout(
        1, gl.NVMMADistributedLayout([3, 0], [4, 1], [16, TILE, DEPTH])
    )
    begin = gl.load(block_begin + gl.program_id(0))
    end = gl.load(block_begin + gl.program_id(0) + 1)
    ring = 0
    for item in range(begin, end):
        record = _load_record(records, item)
        sequence, num_pages, left, first_part, part_of = record
        num_tiles = num_pages * (PAGE // TILE)
        parity = (item - begin) & 1
        slot = (item - begin) % SLOTS
        mbarrier.wait(q_full.index(slot), ((item - begin) // SLOTS) & 1)
        scale = gl.full([HEADS], factor, gl.float32, layout=ROWS)
        if IS_FP8:
            _quantise_query(query.index(0), terms, row_scale, WG)
            mbarrier.arrive(ready)
            mbarrier.wait(ready, parity)
            scale = row_scale.load(ROWS) * factor
        swap0, swap1 = _swap_buffers(query, wide, slot, IS_FP8)
        zero = gl.zeros([HEADS, HALF], gl.float32, layout=OUT_LAYOUT)
        top = gl.full([HEADS], -1e30, gl.float32, layout=ROWS)
        state = (zero, zero, top, gl.zeros([HEADS], gl.float32, layout=ROWS))
        operands = (terms, slot, scale)
        state = _attend(operands, buffers, kv_bars, ring, num_tiles, left, state, WG)
        ring += num_tiles
        if not IS_FP8:
            # The query's buffer becomes a swap buffer once both have used the query.
            gl.thread_barrier()
            mbarrier.arrive(ready)
            mbarrier.wait(ready, parity)
        out, log_sum = join(state, swap0, swap1, stats, swapped, parity, v_scale, WG)
        write(out, log_sum, targets, record, swap0, swap1, WG)
        gl.thread_barrier()
        mbarrier.arrive(q_empty.index(slot))
