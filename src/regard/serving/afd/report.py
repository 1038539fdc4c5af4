"""What a trace says: stage times, bubbles, links, the straggler and the bound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regard.serving.afd.bound import Bound, StepWork, find_bound
from regard.serving.afd.idleness import Idleness, Step, idleness_of, steps_of
from regard.serving.afd.simulation.fit import Sample, attention_samples, ffn_samples
from regard.serving.afd.straggler import Straggling, straggling_of
from regard.serving.afd.trace import NS_PER_US, Span, TraceError
from regard.serving.afd.trace_file import Trace, TraceInfo
from regard.serving.afd.trace_messages import Direction, Message, messages_of, workers_of


@dataclass(frozen=True)
class Times:
    """A sample of durations in microseconds."""

    count: int
    """How many."""
    median_us: float
    """The median."""
    p99_us: float
    """The 99th percentile."""

    @classmethod
    def of(cls, microseconds: Sequence[float]) -> Times:
        """Sums durations up, at least one."""
        median, high = np.percentile(microseconds, [50, 99])
        return cls(len(microseconds), float(median), float(high))


@dataclass(frozen=True)
class WorkerReport:
    """One worker."""

    worker: str
    """Its name."""
    stages: Mapping[str, Times]
    """Each stage it recorded; messages computed together are one feed-forward."""
    idleness: Idleness
    """Where its time goes."""


@dataclass(frozen=True)
class Report:
    """A trace, summed up."""

    info: TraceInfo
    """What was traced."""
    num_steps: int
    """Steps, of all attention instances together."""
    step: Times
    """How long they took, from embedding to sampling."""
    workers: tuple[WorkerReport, ...]
    """Attention instances, then FFN instances."""
    links: Mapping[Direction, Times]
    """From handing a message to the link to its being visible, each way."""
    straggling: tuple[Straggling, ...]
    """The slowest worker of each side that has several."""
    bound: Bound
    """What holds a step up."""


def report_of(trace: Trace) -> Report:
    """Analyses a trace.

    Raises:
        TraceError: It holds no attention or no feed-forward.
    """
    attention, ffn = workers_of(trace.spans)
    if not attention or not ffn:
        raise TraceError("the trace holds no attention or no feed-forward: nothing to report")
    by_worker: dict[str, list[Span]] = defaultdict(list)
    for span in trace.spans:
        by_worker[span.worker].append(span)
    steps = steps_of(trace.spans)
    messages = messages_of(trace.spans)
    workers = tuple(
        WorkerReport(name, _stage_times(by_worker[name]), idleness_of(by_worker[name], steps))
        for name in (*attention, *ffn)
    )
    of_attention, of_ffn = attention_samples(trace.spans), ffn_samples(trace.spans)
    straggling = [straggling_of(each) for each in (of_attention, of_ffn)]
    step = Times.of([(each.end_ns - each.start_ns) / NS_PER_US for each in steps])
    links = _link_times(messages)
    num_microbatches = trace.info.num_microbatches
    samples = (_joined(of_attention), _joined(of_ffn))
    work = _work(workers, samples, step.median_us, links, num_microbatches)
    return Report(
        info=trace.info,
        num_steps=len(steps),
        step=step,
        workers=workers,
        links=links,
        straggling=tuple(each for each in straggling if each is not None),
        bound=find_bound(work),
    )


def _stage_times(spans: Sequence[Span]) -> dict[str, Times]:
    durations: dict[str, list[float]] = defaultdict(list)
    seen: set[tuple[int, int, int]] = set()
    for span in spans:
        together = (span.layer, span.start_ns, span.end_ns)
        if span.stage == "receive" or (span.stage == "feed_forward" and together in seen):
            continue
        if span.stage == "feed_forward":
            seen.add(together)
        durations[span.stage].append(span.duration_ns / NS_PER_US)
    return {stage: Times.of(each) for stage, each in sorted(durations.items())}


def _link_times(messages: Sequence[Message]) -> dict[Direction, Times]:
    samples: dict[Direction, list[float]] = defaultdict(list)
    for message in messages:
        if message.link_ns is not None:
            samples[message.direction].append(message.link_ns / NS_PER_US)
    return {direction: Times.of(each) for direction, each in sorted(samples.items(), reverse=True)}


def _joined(samples: Mapping[str, Sequence[Sample]]) -> list[Sample]:
    return [each for own in samples.values() for each in own]


def _work(
    workers: Sequence[WorkerReport],
    samples: tuple[Sequence[Sample], Sequence[Sample]],
    step_us: float,
    links: Mapping[Direction, Times],
    num_microbatches: int,
) -> StepWork:
    attention = [each for each in workers if "attention" in each.stages]
    ffn = [each for each in workers if "feed_forward" in each.stages]
    of_attention, of_ffn = samples
    num_layers = len({each.layer for each in of_attention})
    return StepWork(
        step_us=step_us,
        attention_us=max(each.idleness.busy for each in attention) * step_us,
        ffn_us=max(each.idleness.busy for each in ffn) * step_us,
        trip_attention_us=_sum_over_layers(of_attention),
        trip_ffn_us=_sum_over_layers(of_ffn),
        trip_link_us=num_layers * sum(each.median_us for each in links.values()),
        num_microbatches=num_microbatches,
    )


def _sum_over_layers(samples: Sequence[Sample]) -> float:
    by_layer: dict[int, list[float]] = defaultdict(list)
    for sample in samples:
        by_layer[sample.layer].append(sample.microseconds)
    return float(sum(np.median(each) for each in by_layer.values()))


def steps_near_median(steps: Sequence[Step]) -> list[Step]:
    """Steps by how near their time is to the median, the nearest first."""
    median = float(np.median([each.end_ns - each.start_ns for each in steps]))
    return sorted(steps, key=lambda each: abs(each.end_ns - each.start_ns - median))
