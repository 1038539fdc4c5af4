"""One timed run of the slice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.serving.slice import evidence
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.evidence import Evidence
from benchmarks.serving.slice.pareto import Point

Devices = tuple[torch.device, torch.device]


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
    evidence: Evidence | None = None
    """What the run left."""

    @property
    def tpot(self) -> float:
        """Wall seconds over steps."""
        return sum(self.seconds) / len(self.seconds)

    @property
    def name(self) -> str:
        """Micro-batches and sequences in each."""
        return f"{self.config.num_microbatches}x{self.config.batch}"

    @property
    def point(self) -> Point:
        """Its place in the picture."""
        return Point(self.name, self.tpot, self.tokens_per_second)


def run(
    config: SliceConfig,
    seconds: float,
    devices: Devices,
    copy_speeds: Sequence[float],
    *,
    profiled: bool = True,
) -> Result:
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
    left = evidence.collect(step, copy_speeds, profiled=profiled)
    return Result(config, times, tokens / wall / 2, replaced, left)


def describe(result: Result) -> str:
    """One line."""
    config = result.config
    times = np.array(result.seconds) * 1e3
    return (
        f"{config.num_microbatches} x {config.batch}: {result.tokens_per_second:.0f} tokens/s/GPU, "
        f"TPOT {result.tpot * 1e3:.2f} ms, p50 {np.percentile(times, 50):.2f}, "
        f"p99 {np.percentile(times, 99):.2f}, {len(times)} steps, {result.num_replaced} replaced"
    )
