# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""What the two warpgroups do with their sums: join, write, merge the parts of split sequences."""

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import fence_async_shared, mbarrier, tma

from regard.serving.kernels.mfa_decode.hopper_copies import DIM, HALF, HEADS, PARTS

HALFWORD_LAYOUT = gl.constexpr(gl.NVMMASharedLayout(128, 16, 2))
STORE_LAYOUT = gl.constexpr(gl.BlockedLayout([1, 8], [2, 16], [4, 1], [1, 0]))
OUT_LAYOUT = gl.constexpr(gl.NVMMADistributedLayout([3, 0], [4, 1], [16, 128, 16]))


@gluon.jit
def join(state, swap0, swap1, stats, bar, parity, v_scale, WG: gl.constexpr):
    """Swaps halves: each warpgroup finishes 128 of the 256 dimensions of both sums."""
    acc0, acc1, top, total = state
    ROWS: gl.constexpr = gl.SliceLayout(1, OUT_LAYOUT)
    stats.index(WG * 2).store(top)
    stats.index(WG * 2 + 1).store(total)
    if WG == 0:
        swap0.store(acc1)
        kept = acc0
    else:
        swap1.store(acc0)
        kept = acc1
    gl.thread_barrier()
    mbarrier.arrive(bar)
    mbarrier.wait(bar, parity)
    other_top = stats.index(2 - WG * 2).load(top.type.layout)
    other_total = stats.index(3 - WG * 2).load(top.type.layout)
    joint = gl.maximum(top, other_top)
    mine = gl.exp2(top - joint)
    others = gl.exp2(other_top - joint)
    total = total * mine + other_total * others
    mine = gl.convert_layout(mine * v_scale / total, ROWS)
    others = gl.convert_layout(others * v_scale / total, ROWS)
    other = swap1.load(OUT_LAYOUT) if WG == 0 else swap0.load(OUT_LAYOUT)
    return kept * mine[:, None] + other * others[:, None], joint + gl.log2(total)


@gluon.jit
def _merge(out, parts, weights, begin, end, inside, WG: gl.constexpr):
    # Always in the order of the parts, whoever arrives last, so that the sum is always the same.
    ROWS: gl.constexpr = gl.SliceLayout(1, STORE_LAYOUT)
    heads = WG * HEADS + gl.arange(0, HEADS, layout=ROWS)
    acc = gl.zeros([HEADS, HALF], gl.float32, layout=STORE_LAYOUT)
    top = gl.full([HEADS], -1e30, gl.float32, layout=ROWS)
    total = gl.zeros([HEADS], gl.float32, layout=ROWS)
    weight = gl.load(weights + begin * (2 * HEADS) + heads, cache_modifier=".cg")
    values = gl.load(parts + begin.to(gl.int64) * (HEADS * DIM) + inside, cache_modifier=".cg")
    for part in range(begin, end):
        # Asked for one part ahead.
        after = gl.minimum(part + 1, end - 1)
        next_weight = gl.load(weights + after * (2 * HEADS) + heads, cache_modifier=".cg")
        at = parts + after.to(gl.int64) * (HEADS * DIM)
        next_values = gl.load(at + inside, cache_modifier=".cg")
        new_top = gl.maximum(top, weight)
        fade = gl.exp2(top - new_top)
        share = gl.exp2(weight - new_top)
        acc = acc * fade[:, None] + values.to(gl.float32) * share[:, None]
        total = total * fade + share
        top = new_top
        weight = next_weight
        values = next_values
    gl.store(out + inside, (acc / total[:, None]).to(gl.bfloat16))


@gluon.jit
def _write_part(staged, log_sum, out, split, sequence, begin, part_of, WG: gl.constexpr):
    # The last to arrive of a sequence's parts merges them all.
    parts, weights, arrived = split
    part = begin + part_of // PARTS
    num_parts = part_of % PARTS
    heads = gl.arange(0, HEADS, layout=gl.SliceLayout(1, STORE_LAYOUT))
    dims = WG * HALF + gl.arange(0, HALF, layout=gl.SliceLayout(0, STORE_LAYOUT))
    inside = heads[:, None] * DIM + dims[None, :]
    at = parts + part.to(gl.int64) * (HEADS * DIM)
    gl.store(at + inside, staged.load(STORE_LAYOUT))
    rows = gl.arange(0, HEADS, layout=log_sum.type.layout)
    gl.store(weights + (part * 2 + WG) * HEADS + rows, log_sum)
    gl.thread_barrier()
    count = gl.atomic_add(arrived + sequence * 2 + WG, 1, sem="acq_rel", scope="gpu")
    gl.thread_barrier()
    if count == num_parts - 1:
        gl.store(arrived + sequence * 2 + WG, 0)
        out += sequence.to(gl.int64) * (HEADS * DIM)
        _merge(out, parts, weights, begin, begin + num_parts, inside, WG)


@gluon.jit
def write(out, log_sum, targets, record, swap0, swap1, WG: gl.constexpr):
    """Writes a whole sequence's half, or a part of one and then perhaps the merge of all."""
    out_desc, out_ptr, split = targets
    sequence, num_pages, left, first_part, part_of = record
    # Sent from the buffer that this warpgroup read, once all of it have.
    swap = swap1 if WG == 0 else swap0
    staged = swap._reinterpret(gl.bfloat16, [HEADS, HALF], HALFWORD_LAYOUT)
    gl.thread_barrier()
    staged.store(out.to(gl.bfloat16))
    fence_async_shared()
    gl.thread_barrier()
    if first_part < 0:
        tma.async_copy_shared_to_global(out_desc, [sequence * HEADS, WG * HALF], staged)
        tma.store_wait(0)
    else:
        _write_part(staged, log_sum, out_ptr, split, sequence, first_part, part_of, WG)
