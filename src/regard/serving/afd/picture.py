"""One step of a trace as bars: what the terminal and the SVG both draw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from regard.serving.afd.idleness import Step, steps_of
from regard.serving.afd.report import steps_near_median
from regard.serving.afd.trace import NS_PER_US, Span, Stage, TraceError
from regard.serving.afd.trace_file import Trace
from regard.serving.afd.trace_messages import messages_of, workers_of

# More lanes than this are no picture any more.
MAX_LANES = 24


class Bar(NamedTuple):
    """Something a worker does, in microseconds from the picture's left edge."""

    start_us: float
    end_us: float
    stage: Stage
    microbatch: int
    layer: int


class Arrow(NamedTuple):
    """A message from one lane to another."""

    start_us: float
    end_us: float
    sender: str
    receiver: str
    microbatch: int


@dataclass(frozen=True)
class Picture:
    """All workers during one step of one attention instance, or some layers of it."""

    title: str
    """Topology, step and layers; says so where it was simulated."""
    lasts_us: float
    """From the left edge to the right."""
    lanes: dict[str, tuple[Bar, ...]]
    """The bars of each worker in the order of their starts."""
    arrows: tuple[Arrow, ...]
    """The messages that were sent and seen within the picture."""
    num_hidden: int
    """Workers for which there is no room."""


def picture_of(
    trace: Trace, *, step: int | None = None, layers: tuple[int, int] | None = None
) -> Picture:
    """Cuts one step out of a trace.

    Args:
        trace: The trace.
        step: The step's number; by default the one whose time is nearest the median.
        layers: The first layer and the one after the last; by default all, with sampling.

    Raises:
        TraceError: There is no such step or no such layer.
    """
    chosen = _chosen_step(trace, step)
    start_ns, end_ns = _window(trace, chosen, layers)
    attention, ffn = workers_of(trace.spans)
    attention.sort(key=lambda name: name != chosen.worker)
    shown = _shown(attention, ffn)
    lanes: dict[str, list[Bar]] = {name: [] for name in shown}
    for span in trace.spans:
        if span.worker in lanes and span.end_ns > start_ns and span.start_ns < end_ns:
            lanes[span.worker].append(_bar(span, start_ns, end_ns))
    named = f"layers {layers[0]} to {layers[1] - 1}" if layers else "all layers"
    simulated = ", simulated" if trace.info.source == "simulation" else ""
    return Picture(
        title=f"{trace.info.topology}{simulated}: step {chosen.step} of {chosen.worker}, {named}",
        lasts_us=(end_ns - start_ns) / NS_PER_US,
        lanes={name: tuple(dict.fromkeys(bars)) for name, bars in lanes.items()},
        arrows=_arrows(trace.spans, set(shown), start_ns, end_ns),
        num_hidden=len(attention) + len(ffn) - len(shown),
    )


def _chosen_step(trace: Trace, number: int | None) -> Step:
    steps = steps_of(trace.spans)
    if not steps:
        raise TraceError("the trace holds no step")
    if number is None:
        return steps_near_median(steps)[0]
    for each in steps:
        if each.step == number:
            return each
    numbers = [each.step for each in steps]
    raise TraceError(f"no step {number}: the trace has steps {min(numbers)} to {max(numbers)}")


def _window(trace: Trace, step: Step, layers: tuple[int, int] | None) -> tuple[int, int]:
    if layers is None:
        return step.start_ns, step.end_ns
    own = [
        span
        for span in trace.spans
        if (span.worker, span.step) == (step.worker, step.step)
        and span.stage in ("attention", "wait")
        and layers[0] <= span.layer < layers[1]
    ]
    if not own:
        last = max(span.layer for span in trace.spans)
        raise TraceError(
            f"layers {layers[0]}:{layers[1]}: that step has layers 0 to {last}; write FIRST:END"
        )
    return min(span.start_ns for span in own), max(span.end_ns for span in own)


def _shown(attention: Sequence[str], ffn: Sequence[str]) -> list[str]:
    """As many of both sides as there is room for."""
    half = MAX_LANES // 2
    room_for_attention = max(half, MAX_LANES - len(ffn))
    of_attention = attention[:room_for_attention]
    return [*of_attention, *ffn[: MAX_LANES - len(of_attention)]]


def _bar(span: Span, start_ns: int, end_ns: int) -> Bar:
    begin = max(span.start_ns, start_ns) - start_ns
    end = min(span.end_ns, end_ns) - start_ns
    return Bar(begin / NS_PER_US, end / NS_PER_US, span.stage, span.microbatch, span.layer)


def _arrows(
    spans: Sequence[Span], shown: set[str], start_ns: int, end_ns: int
) -> tuple[Arrow, ...]:
    near: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        if start_ns <= span.start_ns <= end_ns:
            near[span.worker].append(span)
    arrows = []
    for message in messages_of([span for own in near.values() for span in own]):
        if message.receive is None or not {message.send.worker, message.receiver} <= shown:
            continue
        arrows.append(
            Arrow(
                (message.send.start_ns - start_ns) / NS_PER_US,
                (message.receive.end_ns - start_ns) / NS_PER_US,
                message.send.worker,
                message.receiver,
                message.send.microbatch,
            )
        )
    return tuple(arrows)
