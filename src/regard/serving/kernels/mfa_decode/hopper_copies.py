# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""The two warps that copy: queries, and tiles of keys and values."""

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, tma

HEADS = gl.constexpr(64)
DIM = gl.constexpr(256)
HALF = gl.constexpr(128)
PAGE = gl.constexpr(64)
RECORD = gl.constexpr(8)
PARTS = gl.constexpr(65536)


@gluon.jit
def wait_for_predecessor():
    """Returns when all kernels ahead in the stream have ended and their writes are seen."""
    gl.inline_asm_elementwise(
        "griddepcontrol.wait; // $0", "=r", [], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def _let_successor_start():
    gl.inline_asm_elementwise(
        "griddepcontrol.launch_dependents; // $0", "=r", [], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def copy_queries(q_desc, work, query, full, empty, SLOTS: gl.constexpr):
    """The copies of queries, one a piece, apart so that waiting here never holds up a tile."""
    # Every block is resident already, so a successor takes only what blocks leave when they end.
    _let_successor_start()
    records, block_begin = work
    begin = gl.load(block_begin + gl.program_id(0))
    end = gl.load(block_begin + gl.program_id(0) + 1)
    sequence = gl.load(records + begin * RECORD)
    wait_for_predecessor()
    for item in range(begin, end):
        following = gl.load(records + (item + 1) * RECORD)
        count = item - begin
        slot = count % SLOTS
        mbarrier.wait(empty.index(slot), ((count // SLOTS) & 1) ^ 1)
        mbarrier.expect(full.index(slot), HEADS * DIM * 2)
        at = [sequence * HEADS, 0]
        tma.async_copy_global_to_shared(q_desc, at, full.index(slot), query.index(slot))
        sequence = following


@gluon.jit
def _copy_tile(k_desc, v_desc, row, index, keys, values, bars, IN_FLIGHT: gl.constexpr):
    k_full, k_empty, v_full, v_empty = bars
    STAGES: gl.constexpr = keys.shape[0]
    NUM_BYTES: gl.constexpr = keys.shape[1] * DIM * (keys.dtype.primitive_bitwidth // 8)
    stage = index % STAGES
    phase = ((index // STAGES) & 1) ^ 1
    if IN_FLIGHT < STAGES:
        landed = index - IN_FLIGHT
        bar = v_full.index((landed + STAGES) % STAGES)
        mbarrier.wait(bar, (landed // STAGES) & 1, pred=landed >= 0)
    mbarrier.wait(k_empty.index(stage), phase)
    mbarrier.expect(k_full.index(stage), NUM_BYTES)
    tma.async_copy_global_to_shared(k_desc, [row, 0], k_full.index(stage), keys.index(stage))
    mbarrier.wait(v_empty.index(stage), phase)
    bar = v_full.index(stage)
    mbarrier.expect(bar, NUM_BYTES)
    row += PAGE
    tma.async_copy_global_to_shared(v_desc, [row, 0], bar, values.index(stage * 2))
    tma.async_copy_global_to_shared(v_desc, [row, HALF], bar, values.index(stage * 2 + 1))


@gluon.jit
def copy_tiles(
    k_desc,
    v_desc,
    table,
    stride,
    work,
    keys,
    values,
    bars,
    IN_FLIGHT: gl.constexpr,
    OVERLAP: gl.constexpr,
):
    """The copies of all tiles of all pieces of one block, in order, into the ring."""
    records, block_begin = work
    TILE: gl.constexpr = keys.shape[1]
    PER_PAGE: gl.constexpr = PAGE // TILE
    begin = gl.load(block_begin + gl.program_id(0))
    end = gl.load(block_begin + gl.program_id(0) + 1)
    at = records + begin * RECORD
    line = table + gl.load(at).to(gl.int64) * stride
    first = gl.load(at + 1)
    num_pages = gl.load(at + 2)
    left = gl.load(at + 3)
    page = gl.load(line + first)
    if not OVERLAP:
        wait_for_predecessor()
    index = 0
    for item in range(begin, end):
        # Loads take microseconds while the copies fill the memory system: ask one piece ahead.
        after = records + (item + 1) * RECORD
        next_line = table + gl.load(after).to(gl.int64) * stride
        next_first = gl.load(after + 1)
        next_num = gl.load(after + 2)
        next_left = gl.load(after + 3)
        for j in range(num_pages):
            row = page * (2 * PAGE)
            page = gl.load(
                gl.where(j + 1 < num_pages, line + first + j + 1, next_line + next_first)
            )
            if OVERLAP:  # noqa: SIM102, the compiler drops the branch
                # The newest token alone may still be on its way from the kernel before this one.
                if (j + 1) * PAGE >= left:
                    wait_for_predecessor()
            for part in gl.static_range(PER_PAGE):
                _copy_tile(k_desc, v_desc, row + part * TILE, index, keys, values, bars, IN_FLIGHT)
                index += 1
        line = next_line
        first = next_first
        num_pages = next_num
        left = next_left
