# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Rotary embedding, KV append and decode attention over pages, for GPUs (Triton).

Decode reads every key and value once and is bound by memory. A program takes one row and one key
head with all its query heads, so that nothing is read twice; where there are few rows, several
programs share a row's context and a second kernel joins their parts.

Neither kernel asks the host for anything, and a row with a negative slot or no context does
nothing, so that a CUDA graph of a larger batch serves a smaller one.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.overlap import can_overlap

# A matrix unit's smallest side: fewer query heads are padded.
LEAST_GROUP = 16
MAX_SPLITS = 32
PROGRAMS_PER_MULTIPROCESSOR = 4
LOG2_E = 1.4426950408889634


@triton.jit
def _rope_append_kernel(
    qkv, cos, sin, positions, slots, k_cache, v_cache,
    row_stride, HEADS: tl.constexpr, KV_HEADS: tl.constexpr, DIM: tl.constexpr, HALF: tl.constexpr,
    PAGE: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    slot = tl.load(slots + row)
    position = tl.load(positions + row)
    halves = tl.arange(0, HALF)
    inside = halves < DIM // 2
    start = qkv + row * row_stride + head * DIM
    first = tl.load(start + halves, inside, other=0.0).to(tl.float32)
    second = tl.load(start + DIM // 2 + halves, inside, other=0.0).to(tl.float32)
    angles = position * (DIM // 2) + halves
    c, s = tl.load(cos + angles, inside, other=0.0), tl.load(sin + angles, inside, other=0.0)
    rotated_first, rotated_second = first * c - second * s, second * c + first * s
    if head < HEADS:
        tl.store(start + halves, rotated_first.to(qkv.dtype.element_ty), inside)
        tl.store(start + DIM // 2 + halves, rotated_second.to(qkv.dtype.element_ty), inside)
    elif slot >= 0:
        page = ((slot // PAGE) * KV_HEADS + head - HEADS) * DIM * PAGE
        offset = slot % PAGE
        keys = k_cache + page + offset
        tl.store(keys + halves * PAGE, rotated_first.to(k_cache.dtype.element_ty), inside)
        tl.store(
            keys + (DIM // 2 + halves) * PAGE, rotated_second.to(k_cache.dtype.element_ty), inside
        )
        value = start + KV_HEADS * DIM
        target = v_cache + page + offset * DIM + halves
        value_first = tl.load(value + halves, inside, other=0.0)
        value_second = tl.load(value + DIM // 2 + halves, inside, other=0.0)
        tl.store(target, value_first.to(v_cache.dtype.element_ty), inside)
        tl.store(target + DIM // 2, value_second.to(v_cache.dtype.element_ty), inside)


def rope_append_gpu(
    qkv: Tensor,
    rope: tuple[Tensor, Tensor],
    positions: Tensor,
    slots: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
) -> None:
    """Rotate the queries where they are; write rotated keys, and values, into their slots.

    Args:
        qkv: (rows, (heads + 2 kv_heads) * dim), rows contiguous inside.
        rope: cosines and sines (positions, dim / 2), float32.
        positions: (rows,) place of each row in its sequence.
        slots: (rows,) block * block_size + offset; a negative one writes nothing.
        k_cache: (blocks, kv_heads, dim, block_size).
        v_cache: (blocks, kv_heads, block_size, dim).
    """
    kv_heads, page, dim = v_cache.shape[1:]
    heads = qkv.shape[1] // dim - 2 * kv_heads
    overlap = can_overlap(qkv.device)
    _rope_append_kernel[qkv.shape[0], heads + kv_heads](
        qkv, *rope, positions, slots, k_cache, v_cache, qkv.stride(0),
        HEADS=heads, KV_HEADS=kv_heads, DIM=dim, HALF=triton.next_power_of_2(dim // 2), PAGE=page,
        OVERLAP=overlap, num_warps=1, launch_pdl=overlap,
    )  # fmt: skip


@triton.jit
def _decode_kernel(
    queries, k_cache, v_cache, tables, sequence, contexts, out, parts, weights,
    row_stride, width, scale,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, PADDED: tl.constexpr, DIM: tl.constexpr,
    COLUMNS: tl.constexpr, PAGE: tl.constexpr, SPLITS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    row, head, split = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    context = tl.load(contexts + row)
    table = tables + tl.load(sequence + row) * width
    pages = tl.cdiv(context, PAGE)
    pages_each = tl.cdiv(pages, SPLITS)
    begin = split * pages_each
    end = tl.minimum(begin + pages_each, pages)
    group, dims, offsets = tl.arange(0, PADDED), tl.arange(0, COLUMNS), tl.arange(0, PAGE)
    lines, inside = group < GROUP, dims < DIM
    at = queries + row * row_stride + (head * GROUP + group)[:, None] * DIM + dims[None, :]
    query = tl.load(at, lines[:, None] & inside[None, :], other=0.0)
    best = tl.full([PADDED], float("-inf"), tl.float32)
    total = tl.zeros([PADDED], tl.float32)
    summed = tl.zeros([PADDED, COLUMNS], tl.float32)
    key_at = dims[:, None] * PAGE + offsets[None, :]
    value_at = offsets[:, None] * DIM + dims[None, :]
    for number in range(begin, end):
        page = (tl.load(table + number).to(tl.int64) * KV_HEADS + head) * (DIM * PAGE)
        # A page is read whole: what stands behind the context is finite, and gets no weight.
        keys = tl.load(k_cache + page + key_at, inside[:, None], other=0.0)
        values = tl.load(v_cache + page + value_at, inside[None, :], other=0.0)
        scores = tl.dot(query, keys.to(query.dtype)) * scale
        seen = number * PAGE + offsets < context
        scores = tl.where(seen[None, :], scores, float("-inf"))
        higher = tl.maximum(best, tl.max(scores, 1))
        shrink = tl.exp2(best - higher)
        shares = tl.exp2(scores - higher[:, None])
        total = total * shrink + tl.sum(shares, 1)
        summed = summed * shrink[:, None] + tl.dot(shares.to(query.dtype), values.to(query.dtype))
        best = higher
    heads = head * GROUP + group
    kept = lines[:, None] & inside[None, :]
    if SPLITS == 1:
        result = summed / tl.where(total > 0, total, 1.0)[:, None]
        at = out + row * (KV_HEADS * GROUP * DIM) + heads[:, None] * DIM + dims[None, :]
        tl.store(at, result.to(out.dtype.element_ty), kept)
    else:
        part = (row * (KV_HEADS * GROUP) + heads) * SPLITS + split
        tl.store(parts + part[:, None] * DIM + dims[None, :], summed, kept)
        tl.store(weights + part * 2, best, lines)
        tl.store(weights + part * 2 + 1, total, lines)


@triton.jit
def _join_kernel(
    parts, weights, out,
    DIM: tl.constexpr, COLUMNS: tl.constexpr, SPLITS: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    line = tl.program_id(0).to(tl.int64)
    splits, dims = tl.arange(0, SPLITS), tl.arange(0, COLUMNS)
    inside = dims < DIM
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    best = tl.load(weights + (line * SPLITS + splits) * 2)
    total = tl.load(weights + (line * SPLITS + splits) * 2 + 1)
    highest = tl.max(best, 0)
    shrink = tl.where(total > 0, tl.exp2(best - highest), 0.0)
    at = parts + (line * SPLITS + splits)[:, None] * DIM + dims[None, :]
    summed = tl.sum(tl.load(at, inside[None, :], other=0.0) * shrink[:, None], 0)
    whole = tl.sum(total * shrink, 0)
    result = summed / tl.where(whole > 0, whole, 1.0)
    tl.store(out + line * DIM + dims, result.to(out.dtype.element_ty), inside)


def paged_decode_gpu(
    queries: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_tables: Tensor,
    sequence: Tensor,
    contexts: Tensor,
    scale: float,
    *,
    num_splits: int | None = None,
) -> Tensor:
    """As `paged_attention_reference`; made for batches in which most rows are alone.

    Args:
        queries: (rows, heads, dim), dims contiguous, heads side by side.
        k_cache: (blocks, kv_heads, dim, block_size).
        v_cache: (blocks, kv_heads, block_size, dim).
        block_tables: (sequences, width) block ids, int32.
        sequence: (rows,) the row's line in block_tables.
        contexts: (rows,) tokens visible to the row; zeros come out where there are none.
        scale: factor on the scores.
        num_splits: programs that share a row and key head, a power of two; by default as many as
            fill the GPU.

    Returns:
        (rows, heads * dim) in the dtype of the queries.
    """
    rows, heads, dim = queries.shape
    kv_heads, page = v_cache.shape[1:3]
    group = heads // kv_heads
    splits = num_splits or choose_splits(rows * kv_heads, queries.device)
    out = torch.empty(rows, heads * dim, dtype=queries.dtype, device=queries.device)
    shape = (rows, heads, splits) if splits > 1 else (0,)
    parts = torch.empty(*shape, dim, dtype=torch.float32, device=queries.device)
    weights = torch.empty(*shape, 2, dtype=torch.float32, device=queries.device)
    columns, overlap = triton.next_power_of_2(dim), can_overlap(queries.device)
    _decode_kernel[rows, kv_heads, splits](
        queries, k_cache, v_cache, block_tables, sequence, contexts, out, parts, weights,
        queries.stride(0), block_tables.stride(0), scale * LOG2_E,
        KV_HEADS=kv_heads, GROUP=group, PADDED=max(LEAST_GROUP, triton.next_power_of_2(group)),
        DIM=dim, COLUMNS=columns, PAGE=page, SPLITS=splits, OVERLAP=overlap,
        num_warps=4, num_stages=3, launch_pdl=overlap,
    )  # fmt: skip
    if splits > 1:
        _join_kernel[(rows * heads,)](
            parts,
            weights,
            out,
            DIM=dim,
            COLUMNS=columns,
            SPLITS=splits,
            OVERLAP=overlap,
            num_warps=1,
            launch_pdl=overlap,
        )
    return out


def choose_splits(programs: int, device: torch.device) -> int:
    """A power of two that fills the GPU's multiprocessors a few times."""
    if device.type != "cuda":
        return 1
    count = torch.cuda.get_device_properties(device).multi_processor_count
    wanted = PROGRAMS_PER_MULTIPROCESSOR * count // programs
    return min(MAX_SPLITS, 1 << max(0, wanted.bit_length() - 1))
