"""Candidates for the slice beside what they would replace: same operands, one run, one GPU.

Each has its own check before it is timed. What wins here is tried in the slice with `--candidates`;
nothing of this is a result row.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from statistics import median

import torch

from benchmarks.serving.device_timing import MIN_BYTES, Call, time_in_turns
from benchmarks.serving.product_peers import relative_error
from benchmarks.serving.slice.cut import SPARE_BLOCKS
from regard.serving.kernels.block_scaled.reference import dequantise_rows
from regard.serving.kernels.mfa_decode import hopper, mfa_decode, mfa_decode_quantised
from regard.serving.kernels.mfa_decode.tile_map import TileMap
from tests.serving.kernels.mfa_decode.batches import Batch

PROVEN = "proven"
ROUNDING = 5e-2
"""Of e4m3, whichever way a value between two of its numbers was rounded."""


def attention(sequences: int, device: torch.device) -> dict[str, list[Call]]:
    """Attention and the quantisation of its results: two kernels, or one."""
    from regard.serving.kernels.norm_quantise.gpu import quantise_gpu

    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(3584, 4609, (sequences,), generator=draw).tolist()
    batches = [Batch(lengths, torch.float8_e4m3fn, device)]
    while sum(batch.num_bytes for batch in batches) <= MIN_BYTES:
        batches.append(Batch(lengths, torch.float8_e4m3fn, device, seed=len(batches)))
    blocks = torch.cuda.get_device_properties(device).multi_processor_count - SPARE_BLOCKS
    tile_map = TileMap.make(lengths, device, blocks)
    places = [
        (
            torch.full((sequences, 64, 256), torch.nan, device=device).to(torch.float8_e4m3fn),
            torch.full((128, sequences), torch.nan, device=device),
        )
        for _ in range(2)
    ]

    def two(batch: Batch) -> None:
        out, scales = places[0]
        wide = mfa_decode(
            batch.queries, batch.cache, batch.block_table, tile_map, **batch.factors, overlap=True
        )
        quantise_gpu(wide.flatten(1), out=out.flatten(1), scales=scales)

    def one(batch: Batch) -> None:
        out, scales = places[1]
        mfa_decode_quantised(
            batch.queries, batch.cache, batch.block_table, tile_map,
            **batch.factors, overlap=True, out=out, out_scales=scales,
        )  # fmt: skip

    for call in (two, one):
        call(batches[0])
    error = relative_error(*(dequantise_rows(out.flatten(1), s) for out, s in reversed(places)))
    print(f"  attention of {sequences}: one kernel against two {error:.4f}")
    if not error < ROUNDING:
        raise SystemExit(f"attention that quantises is wrong: {error:.4f}")
    calls: dict[str, Callable[[Batch], None]] = {PROVEN: two, "quantise": one}
    return {
        name: [lambda batch=batch, call=call: call(batch) for batch in batches]
        for name, call in calls.items()
    }


def compare(title: str, contenders: dict[str, list[Call]], repeats: int) -> list[str]:
    """A line for each contender, with its gain over what is proven, turn by turn."""
    times = dict(zip(contenders, time_in_turns(list(contenders.values()), repeats), strict=True))
    return table(title, times)


def table(title: str, times: dict[str, list[float]]) -> list[str]:
    """The same from times in microseconds."""
    lines = [title]
    for name, values in times.items():
        ordered = sorted(values)
        gains = [a - b for a, b in zip(times[PROVEN], values, strict=True)]
        low, high = ordered[len(values) // 5], ordered[-1 - len(values) // 5]
        lines.append(
            f"  {name:12s}{median(values):9.2f} us [{low:.2f}, {high:.2f}]"
            f"  gain {median(gains):+7.2f} us"
        )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 160])
    parser.add_argument("--repeats", type=int, default=49)
    options = parser.parse_args(argv)
    device = torch.device("cuda")
    reason = "there is no CUDA device" if not torch.cuda.is_available() else None
    reason = reason or hopper.why_unavailable(device)
    if reason:
        raise SystemExit(f"nothing to measure: {reason}")
    lines = []
    for batch in options.batches:
        found = attention(batch, device)
        lines += compare(f"attention, {batch} sequences", found, options.repeats)
        del found
        torch.cuda.empty_cache()
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
