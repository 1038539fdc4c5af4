"""Times a case: steps without a pause, and the stages of a few more."""

import math
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.message import step_bytes
from benchmarks.serving.full.step import FullStep
from benchmarks.serving.full.timeline import Timeline, stage_medians
from regard.serving.afd.trace import Span

WARM_UP = 5
TRACED_STEPS = 3


@dataclass(frozen=True)
class Timing:
    """A timed case."""

    config: FullConfig
    """What ran."""
    seconds: list[float]
    """Of each step."""
    wall: float
    """Of all of them together."""
    num_replaced: int
    """Sequences that ended and were replaced, in steps before and after those too."""
    medians: dict[str, float]
    """Microseconds of each stage, in steps that are marked."""
    spans: list[Span]
    """Of those steps."""

    @property
    def tpot(self) -> float:
        """Median seconds a step."""
        return float(np.median(self.seconds))

    @property
    def tpot_p99(self) -> float:
        """99th percentile of the same."""
        return float(np.percentile(self.seconds, 99))

    @property
    def rate(self) -> float:
        """Tokens a second and GPU: tokens emitted over wall seconds over GPUs of both sides."""
        config = self.config
        return config.tokens_a_step * len(self.seconds) / self.wall / config.num_gpus

    def describe(self) -> str:
        """One line."""
        config = self.config
        out, back = step_bytes(config)
        stages = ", ".join(f"{name} {value:.1f}" for name, value in self.medians.items())
        return (
            f"{config.topology}, {config.num_microbatches} x {config.batch} at {config.context}: "
            f"{self.rate:.0f} tokens/s/GPU, TPOT {self.tpot * 1e3:.2f} ms, p99 "
            f"{self.tpot_p99 * 1e3:.2f}, {len(self.seconds)} steps, {self.num_replaced} replaced "
            f"in all; {config.num_layers} layers; stages (median us, from {TRACED_STEPS} marked "
            f"steps): {stages}; links: {out / 1e9:.2f} GB out and {back / 1e9:.2f} GB back a step"
        )


def time_steps(
    step: FullStep, num_steps: int, *, graphs: bool = True, warm_up: float = 0.0
) -> Timing:
    """Warms up, then runs so many steps, planned beforehand; then some with marks.

    Args:
        step: What is timed.
        num_steps: How often.
        graphs: Whether as a graph.
        warm_up: Seconds that it has run before, at least.

    Raises:
        RuntimeError: An expert had more tokens than there is room for; the run is void.
    """
    step.plan(1 + WARM_UP)
    step.run()
    step.machine.synchronize()
    if graphs:
        step.capture()
    begin = time.perf_counter()
    _run_again(step, WARM_UP)
    one = (time.perf_counter() - begin) / WARM_UP
    more = math.ceil(warm_up / one)
    step.plan(more + num_steps + 1 + TRACED_STEPS + 1)
    _run_again(step, more)
    replaced = _num_replaced(step)
    begin = time.perf_counter()
    moments = [step.machine.moment(step.main[0])]
    for _ in range(num_steps):
        step.run()
        moments.append(step.machine.moment(step.main[0]))
        # At most one step is queued ahead of the GPUs.
        moments[-2].wait()
    step.machine.synchronize()
    wall = time.perf_counter() - begin
    check_capacity(step)
    spans = Timeline(step).record(TRACED_STEPS)
    return Timing(
        step.config,
        [after.seconds_since(before) for before, after in zip(moments, moments[1:], strict=False)],
        wall,
        # Of all that was planned, before and after the timed steps too.
        replaced,
        stage_medians(spans),
        spans,
    )


def _run_again(step: FullStep, count: int) -> None:
    for _ in range(count):
        step.run()
    step.machine.synchronize()


def check_capacity(step: FullStep) -> None:
    """Raises if an expert ever had more tokens than there is room for."""
    for each in step.ffn:
        check = getattr(each, "check_capacity", None)
        if check is not None:
            check()


def _num_replaced(step: FullStep) -> int:
    return sum(
        chunk.sequences.num_replaced for each in step.attention for chunk in each.side.chunks
    )
