"""MFA decode attention beside FlashAttention-3: same queries, keys and values, one run, one GPU.

Calls follow one another in a CUDA graph that cycles through caches of more than 500 MB together.
FlashAttention-3 (package fa3-fwd, if it is there) reads contiguous caches: its wheel has no pages.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.serving.device_timing import (
    CALLS,
    MIN_BYTES,
    copy_bytes_per_second,
    row,
    time_in_turns,
)
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.serving.kernels.mfa_decode import hopper, mfa_decode
from regard.serving.kernels.mfa_decode.reference import mfa_decode_reference
from regard.serving.kernels.mfa_decode.tile_map import TileMap
from tests.serving.kernels.mfa_decode.batches import PAGE_SIZE, Batch, relative_error

SEED = 1
TOLERANCE = 5e-3
NUM_CHECKED = 4
PACKAGES = ("fa3-fwd",)
KINDS = {"fp8": torch.float8_e4m3fn, "bf16": torch.bfloat16}


def uniform(num_sequences: int) -> list[int]:
    """Lengths from 3,584 to 4,608."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randint(3584, 4609, (num_sequences,), generator=generator).tolist()


SHAPES = {
    "128x4096": [4096] * 128,
    "64x8192": [8192] * 64,
    "16x32768": [32768] * 16,
    "ragged": uniform(128),
    "170_ragged": uniform(170),
}
Call = Callable[[], Tensor]


@dataclass(frozen=True)
class Contender:
    """One way to compute a case: a call for each of its batches."""

    calls: list[Call]
    """They differ in the cache they read."""

    error: float
    """Relative L2 error against float64, of some sequences of the first batch."""

    notes: str
    """What a reader must know of it."""


def checked(batch: Batch, out: Tensor) -> float:
    """The error of the longest, the shortest and some other sequences."""
    order = torch.argsort(batch.lengths)
    some = order[torch.linspace(0, len(order) - 1, NUM_CHECKED).long().to(order.device)]
    expected = mfa_decode_reference(
        batch.queries[some],
        batch.cache,
        batch.block_table[some],
        batch.lengths[some],
        **batch.factors,
        dtype=torch.float64,
    )
    return relative_error(out[some], expected)


def our_contender(batches: Sequence[Batch], overlap: bool) -> Contender:
    """This package's kernel, with one tile map for all calls, as in the layers of a step."""
    tile_map = TileMap.make(batches[0].lengths.tolist(), batches[0].queries.device)

    def call(batch: Batch) -> Tensor:
        return mfa_decode(
            batch.queries,
            batch.cache,
            batch.block_table,
            tile_map,
            **batch.factors,
            overlap=overlap,
        )

    torch.full_like(batches[0].queries, torch.nan)
    error = checked(batches[0], call(batches[0]))
    if not error < TOLERANCE:
        raise SystemExit(f"the kernel is wrong: relative error {error:.4f}, {TOLERANCE} allowed")
    notes = "paged, pages of 64 shuffled; the tile map is made beforehand"
    if overlap:
        notes += "; copies start while the call before still runs (overlap=True)"
    return Contender([lambda batch=batch: call(batch) for batch in batches], error, notes)


def contiguous(batch: Batch) -> tuple[Tensor, Tensor]:
    """Keys and values as (sequences, longest, 1, 256)."""
    longest = int(batch.lengths.max())
    shape = (len(batch.lengths), longest, 1, 256)
    keys = torch.zeros(shape, dtype=batch.cache.dtype, device=batch.cache.device)
    values = torch.zeros_like(keys)
    for sequence, length in enumerate(batch.lengths.tolist()):
        pages = batch.cache[batch.block_table[sequence, : -(-length // PAGE_SIZE)].long()]
        keys[sequence, :length, 0] = pages[:, 0].reshape(-1, 256)[:length]
        values[sequence, :length, 0] = pages[:, 1].reshape(-1, 256)[:length]
    return keys, values


def fa3_contenders(batches: Sequence[Batch]) -> list[Contender]:
    """FlashAttention-3 with its own choice of splits, and without splits; none if not installed."""
    try:
        from fa3_fwd_interface import flash_attn_with_kvcache
    except ImportError:
        return []
    first = batches[0]
    caches = [contiguous(batch) for batch in batches]
    queries, options = first.queries[:, None], {}
    if first.cache.dtype == torch.float8_e4m3fn:
        q_scale = float(queries.abs().max()) / 448
        queries = (queries.float() / q_scale).to(torch.float8_e4m3fn)
        for name, scale in (("q", q_scale), ("k", first.k_scale), ("v", first.v_scale)):
            descale = torch.full((len(first.lengths), 1), scale, device=queries.device)
            options[f"{name}_descale"] = descale

    def call(cache: tuple[Tensor, Tensor], num_splits: int) -> Tensor:
        out = flash_attn_with_kvcache(
            queries,
            *cache,
            cache_seqlens=first.lengths,
            softmax_scale=first.scale,
            num_splits=num_splits,
            pack_gqa=True,
            causal=False,
            **options,
        )
        return out[:, 0]

    contenders = []
    for num_splits, words in ((0, "its own choice of splits"), (1, "no splits")):
        calls = [lambda cache=cache, n=num_splits: call(cache, n) for cache in caches]
        error = checked(first, calls[0]())
        contenders.append(Contender(calls, error, f"contiguous cache, {words}"))
    return contenders


def measure(
    kind: str, shape: str, device: torch.device, repeats: int, copy_speed: float
) -> list[Measurement]:
    """The rows of one case."""
    lengths = SHAPES[shape]
    batches = [Batch(lengths, KINDS[kind], device, seed=SEED)]
    while sum(batch.num_bytes for batch in batches) <= MIN_BYTES:
        batches.append(Batch(lengths, KINDS[kind], device, seed=SEED + len(batches)))
    ours, serial = our_contender(batches, True), our_contender(batches, False)
    peers = fa3_contenders(batches)
    times = time_in_turns([each.calls for each in (ours, serial, *peers)], repeats)
    num_bytes = batches[0].num_bytes

    def timed(metric: str, values: Sequence[float], contender: Contender) -> Measurement:
        speed = num_bytes / (median(values) * 1e-6)
        notes = (
            f"{speed / 1e12:.2f} TB/s of keys and values, {speed / copy_speed:.2f} of a copy in "
            f"this run ({copy_speed / 1e12:.2f} TB/s); relative error {contender.error:.4f} "
            f"against float64; {CALLS} calls back to back in a CUDA graph; {contender.notes}"
        )
        return row(f"{metric}/{kind}/{shape}", "us", values, notes, PACKAGES)

    rows = [timed("mfa_decode_us", times[0], ours), timed("mfa_decode_serial_us", times[1], serial)]
    if peers:
        best = min(range(len(peers)), key=lambda index: median(times[2 + index]))
        rows.append(timed("fa3_decode_us", times[2 + best], peers[best]))
        for name, own in (("overlap", times[0]), ("serial", times[1])):
            ratios = [a / b for a, b in zip(times[2 + best], own, strict=True)]
            notes = f"FlashAttention-3's time over ours, turn by turn; {peers[best].notes}"
            metric = f"fa3_over_mfa_decode/{kind}/{shape}/{name}"
            rows.append(row(metric, "1", ratios, notes, PACKAGES))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=49)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the measured commit, where git cannot tell")
    parser.add_argument("--results", type=Path, help="another results folder")
    options = parser.parse_args(argv)
    device = torch.device("cuda")
    reason = "there is no CUDA device" if not torch.cuda.is_available() else None
    reason = reason or hopper.why_unavailable(device)
    if reason:
        raise SystemExit(f"nothing to measure: {reason}")
    copy_speed = copy_bytes_per_second(device)
    measurements: list[Measurement] = []
    with progress_bar("measuring", total=len(options.kinds) * len(options.shapes)) as advance:
        for kind in options.kinds:
            for shape in options.shapes:
                measurements += measure(kind, shape, device, options.repeats, copy_speed)
                torch.cuda.empty_cache()
                advance(1)
    for each in measurements:
        print(
            f"{each.metric:46s} {each.value:8.3f} {each.unit:3s} [{each.low:.3f}, {each.high:.3f}]"
        )
    if options.write:
        command = (
            f"python -m benchmarks.serving.mfa_decode --repeats {options.repeats} "
            f"--kinds {' '.join(options.kinds)} --shapes {' '.join(options.shapes)} --write"
        )
        write_rows(
            "kernels",
            measurements,
            command=command,
            seed=SEED,
            commit=options.commit,
            results=options.results,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
