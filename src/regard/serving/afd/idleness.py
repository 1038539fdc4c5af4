"""How much of its time a worker is idle, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from regard.serving.afd.intervals import Interval, common, length, union
from regard.serving.afd.trace import WORK, Span


class Step(NamedTuple):
    """One step of one attention instance, from its first span to its last."""

    worker: str
    step: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class Idleness:
    """Shares of the time in which steps were under way; all but `worst_layer` add up to 1.

    Of an attention instance its own steps count, of an FFN instance those of all.
    """

    busy: float
    """Computing or sending."""
    in_layers: float
    """Waiting between the first and the last layer of a step."""
    between_steps: float
    """Waiting for the last layer's results; of an FFN instance, from there to the next step's first
    rows."""
    untraced: float
    """Of an attention instance, the time that no span covers."""
    worst_layer: int | None
    """The layer before (of an attention instance: after) which most of the waiting in the layers
    is, where there is any."""


def steps_of(spans: Sequence[Span]) -> list[Step]:
    """All steps of all attention instances that computed something, by start."""
    attention = {span.worker for span in spans if span.stage == "attention"}
    bounds: dict[tuple[str, int], Interval] = {}
    for span in spans:
        if span.worker in attention and span.stage != "receive":
            key = (span.worker, span.step)
            start, end = bounds.get(key, (span.start_ns, span.end_ns))
            bounds[key] = (min(start, span.start_ns), max(end, span.end_ns))
    steps = [Step(*key, *bound) for key, bound in bounds.items()]
    return sorted(steps, key=lambda each: each.start_ns)


def idleness_of(spans: Sequence[Span], steps: Sequence[Step]) -> Idleness:
    """Sums one worker's spans up.

    Args:
        spans: All spans of one worker.
        steps: Of all attention instances.
    """
    own = [each for each in steps if each.worker == spans[0].worker]
    under_way = union((each.start_ns, each.end_ns) for each in own or steps)
    busy = union((span.start_ns, span.end_ns) for span in spans if span.stage in WORK)
    busy_ns = length(common(busy, under_way))
    waits = _waits(spans) if own else _gaps(spans, under_way)
    layers = [span.layer for span in spans if span.layer >= 0]
    last = max(layers, default=0)
    waited: dict[int, int] = defaultdict(int)
    for layer, waited_ns in waits:
        waited[layer] += waited_ns
    # Of an attention instance the last layer's results; of an FFN instance the first layer's rows.
    between_ns = waited.pop(last if own else min(layers, default=0), 0)
    within_ns = sum(waited.values())
    total_ns = max(1, length(under_way))
    return Idleness(
        busy=busy_ns / total_ns,
        in_layers=within_ns / total_ns,
        between_steps=between_ns / total_ns,
        untraced=max(0, total_ns - busy_ns - within_ns - between_ns) / total_ns,
        worst_layer=max(waited, key=lambda layer: waited[layer]) if within_ns else None,
    )


def _waits(spans: Sequence[Span]) -> list[tuple[int, int]]:
    return [(span.layer, span.duration_ns) for span in spans if span.stage == "wait"]


def _gaps(spans: Sequence[Span], under_way: list[Interval]) -> list[tuple[int, int]]:
    """The pauses of an FFN instance while steps are under way, with the layer that ends each."""
    work = sorted((span for span in spans if span.stage in WORK), key=lambda span: span.start_ns)
    gaps: list[Interval] = []
    layers: list[int] = []
    before = under_way[0][0] if under_way else 0
    for span in work:
        if span.start_ns > before:
            gaps.append((before, span.start_ns))
            layers.append(span.layer)
        before = max(before, span.end_ns)
    first = min((span.layer for span in work), default=0)
    if under_way and under_way[-1][1] > before:
        gaps.append((before, under_way[-1][1]))
        layers.append(first)
    return list(zip(layers, _overlaps(gaps, under_way), strict=True))


def _overlaps(gaps: Sequence[Interval], under_way: Sequence[Interval]) -> list[int]:
    """How much of each gap lies in a union, both in order."""
    found = []
    first = 0
    for start, end in gaps:
        while first < len(under_way) and under_way[first][1] <= start:
            first += 1
        inside = 0
        for begin, stop in under_way[first:]:
            if begin >= end:
                break
            inside += min(end, stop) - max(start, begin)
        found.append(inside)
    return found
