"""A two-GPU slice of Step-3's 2A2F deployment, and what it projects for all 32 GPUs.

Each attention GPU of that deployment does the same work as every other, and so does each FFN GPU:
one of each, at the true per-GPU shapes and with all 61 layers, gives the step time of the whole,
stragglers and jitter among the 32 aside. Transfers are held back to the speed of a 400 Gb/s NIC.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.serving.slice.config import SliceConfig
from regard.common.rows import Measurement, package_versions, write_rows

if TYPE_CHECKING:
    from benchmarks.serving.slice.step import SliceStep

CAVEAT = (
    "projection: excludes cross-server jitter, stragglers among 32 GPUs, host scheduling, prefill."
)
TPOT_LIMIT = 0.050


@dataclass(frozen=True)
class Result:
    """A timed run."""

    config: SliceConfig
    seconds: list[float]
    """Of each step."""
    tokens_per_second: float
    """Of each GPU: tokens emitted over wall seconds over two GPUs."""
    num_replaced: int
    """Sequences that ended and were replaced meanwhile."""

    @property
    def tpot(self) -> float:
        """Wall seconds over steps."""
        return sum(self.seconds) / len(self.seconds)


def run(config: SliceConfig, seconds: float, devices: tuple[torch.device, torch.device]) -> Result:
    """Warm up, then run steps without a pause for so long."""
    # Needs triton, which a machine without GPUs has not.
    from benchmarks.serving.slice.step import SliceStep

    step = SliceStep(config, *devices)
    step.run()
    step.synchronize()
    step.capture()
    for _ in range(5):
        step.run()
    step.synchronize()
    replaced = sum(each.sequences.num_replaced for each in step.attention.microbatches)
    begin = time.perf_counter()
    events: list[torch.cuda.Event] = []
    while time.perf_counter() - begin < seconds or len(events) < 3:
        step.run()
        event = torch.cuda.Event(enable_timing=True)
        event.record(step._attention_stream)
        events.append(event)
        # At most one step is planned ahead of the GPUs.
        if len(events) > 2:
            events[-2].synchronize()
    step.synchronize()
    wall = time.perf_counter() - begin
    step.check_capacity()
    times = [a.elapsed_time(b) / 1e3 for a, b in zip(events, events[1:], strict=False)]
    tokens = config.batch * config.num_microbatches * len(events)
    replaced = sum(each.sequences.num_replaced for each in step.attention.microbatches) - replaced
    print_wires(step)
    return Result(config, times, tokens / wall / 2, replaced)


def print_wires(step: "SliceStep") -> None:
    """Where a step's time goes, from the transfers' stamps of the last one."""
    count = step.config.num_microbatches
    for name, wire in (("attention", step.out_wire), ("ffn", step.back_wire)):
        trace = wire.trace.cpu().numpy()
        ready, seen = trace[:, 0], trace[:, 2]
        gaps = np.diff(ready) / 1e3
        middle = gaps[4 * count : -2 * count] if len(gaps) > 8 * count else gaps
        print(
            f"  {name}: a message every {np.median(middle):.1f} us (mean {middle.mean():.1f}, "
            f"p95 {np.percentile(middle, 95):.1f}); "
            f"seen {np.median(seen - ready) / 1e3:.1f} us after"
        )


def describe(result: Result) -> str:
    """One line."""
    config = result.config
    times = np.array(result.seconds) * 1e3
    return (
        f"{config.num_microbatches} x {config.batch}: {result.tokens_per_second:.0f} tokens/s/GPU, "
        f"TPOT {result.tpot * 1e3:.2f} ms, p50 {np.percentile(times, 50):.2f}, "
        f"p99 {np.percentile(times, 99):.2f}, {len(times)} steps, {result.num_replaced} replaced"
    )


def suffix(config: SliceConfig, device: str) -> str:
    """What sets a row apart from the bare name."""
    parts = []
    if "H100" not in device:
        parts.append(device.split()[-1].lower())
    if config.balanced:
        parts.append("balanced")
    if config.wire_bytes_per_second == 0:
        parts.append("nvlink")
    elif config.wire_bytes_per_second != 50e9:
        parts.append(f"{config.wire_bytes_per_second / 1e9:.0f}GBps")
    if config.context != 4096:
        parts.append(f"{config.context // 1024}k")
    if config.baseline:
        parts.append("baseline")
    return "".join(f"/{part}" for part in parts)


def measurement(result: Result, checked: str, device: str) -> Measurement:
    """The row of one run; the interval is that of single steps."""
    config = result.config
    tokens = config.batch * config.num_microbatches / 2
    times = np.array(result.seconds)
    low, high = (float(tokens / np.percentile(times, q)) for q in (95, 5))
    return Measurement(
        metric=f"serving.afd_slice_tokens_per_s_per_gpu{suffix(config, device)}",
        value=result.tokens_per_second,
        unit="tokens/s/GPU",
        n=len(times),
        low=low,
        high=high,
        notes=f"{describe(result)}; interval: 5th to 95th percentile of steps; wall "
        f"{sum(result.seconds):.0f} s; {checked}; {CAVEAT}",
        extra_versions=package_versions(("triton",)),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Check, measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 160])
    parser.add_argument("--microbatches", type=int, nargs="+", default=[3])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--wire", type=float, default=50, help="GB/s a direction; 0: raw NVLink")
    parser.add_argument("--balanced", action="store_true", help="equal tokens for all experts")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--no-check", action="store_true", help="for trials; writes no row")
    parser.add_argument("--commit", help="what is measured, where there is no git")
    parser.add_argument("--results", type=Path, help="another results folder")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    if torch.cuda.device_count() != 2:
        raise SystemExit(f"{torch.cuda.device_count()} CUDA devices are visible; the slice takes 2")
    from benchmarks.serving.slice.check import check

    devices = (torch.device("cuda:0"), torch.device("cuda:1"))
    base = SliceConfig(
        context=options.context,
        wire_bytes_per_second=options.wire * 1e9,
        balanced=options.balanced,
    )
    checked = "not checked" if options.no_check else check(base, *devices)
    print(checked, flush=True)
    results = []
    for count in options.microbatches:
        for batch in options.batches:
            config = replace(base, batch=batch, num_microbatches=count)
            results.append(run(config, options.seconds, devices))
            print(describe(results[-1]), flush=True)
            torch.cuda.empty_cache()
    within = [each for each in results if each.tpot <= TPOT_LIMIT]
    best = max(within, key=lambda each: each.tokens_per_second, default=None)
    print(json.dumps({"best_within_50_ms": describe(best) if best else None}))
    if options.write and best and not options.no_check:
        row = measurement(best, checked, torch.cuda.get_device_name(0))
        command = "python -m benchmarks.serving.afd_slice " + " ".join(argv or sys.argv[1:])
        write_rows(
            "serving_slice", [row], command=command, seed=base.seed,
            commit=options.commit, results=options.results,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
