"""Stage times of a simulation from the trace of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from regard.serving.afd.handling import handling_ns
from regard.serving.afd.pick_up import pick_ups_ns
from regard.serving.afd.simulation.config import NOTHING, SimulationConfig
from regard.serving.afd.simulation.stage_time import FloatArray, LinkTime, StageTime
from regard.serving.afd.trace import NO_LAYER, NS_PER_US, Span, TraceError
from regard.serving.afd.trace_file import Trace
from regard.serving.afd.trace_messages import Direction, Message, messages_of

# Fewer than this many samples of a row count give no median of their own.
MIN_SAMPLES = 5
# As many equally likely noise factors are kept as a percentile needs.
NUM_RATIOS = 200
NUM_POLISHES = 4
# Microseconds; stands for nothing where a ratio is taken.
_SMALLEST = 1e-9


class Sample(NamedTuple):
    """One measured stage."""

    rows: int
    """Rows computed together."""
    layer: int
    """The layer, or `NO_LAYER`."""
    microseconds: float
    """How long it took."""


def fit_stage_time(samples: Sequence[Sample]) -> StageTime:
    """The medians by rows and by layer, and what scatters around them.

    Rows and layers are told apart by median polish (Tukey): each in turn takes the medians of what
    the other leaves. Medians by rows need `MIN_SAMPLES`; row counts with fewer are left out, unless
    none has as many. They are made to rise with the rows, so that noise does not turn a slope.

    Raises:
        ValueError: There is no sample.
    """
    if not samples:
        raise ValueError("no sample")
    rows = np.array([each.rows for each in samples])
    layers = np.array([each.layer for each in samples])
    times = np.array([each.microseconds for each in samples])
    has_layers = bool(layers.min() > NO_LAYER)
    of_layer = np.ones(int(layers.max()) + 1 if has_layers else 1)
    index = layers if has_layers else np.zeros_like(layers)
    for _ in range(NUM_POLISHES):
        time = _medians_by_rows(rows, times / of_layer[index])
        ratios = times / _positive([time.median_us(each) for each in rows])
        for layer in np.unique(index):
            of_layer[layer] = max(np.median(ratios[index == layer]), _SMALLEST)
        of_layer /= np.median(of_layer[index])
    time = _medians_by_rows(rows, times / of_layer[index])
    ratios = times / _positive([time.median_us(each) for each in rows])
    ratios = ratios / of_layer[index]
    kept = np.quantile(ratios, (np.arange(NUM_RATIOS) + 0.5) / NUM_RATIOS)
    factors = tuple(of_layer.tolist()) if has_layers else ()
    return replace(time, layer_factors=factors, ratios=tuple(kept.tolist()))


def _medians_by_rows(rows: FloatArray, times: FloatArray) -> StageTime:
    counts, numbers = np.unique(rows, return_counts=True)
    if (numbers >= MIN_SAMPLES).any():
        counts = counts[numbers >= MIN_SAMPLES]
    medians = np.maximum.accumulate([np.median(times[rows == count]) for count in counts])
    return StageTime(tuple(zip(counts.tolist(), medians.tolist(), strict=True)))


def _positive(values: Sequence[float]) -> FloatArray:
    return np.asarray(np.maximum(values, _SMALLEST))


def fit_link_time(samples: Sequence[Sample]) -> LinkTime:
    """The delay at the median number of rows, and its noise.

    What rows add cannot be told from the delay without knowing the queue at the sender, so a fitted
    link has a delay only.
    """
    time = fit_stage_time([each._replace(layer=NO_LAYER) for each in samples])
    median_rows = float(np.median([each.rows for each in samples]))
    return LinkTime(time.median_us(median_rows), ratios=time.ratios)


def attention_samples(spans: Iterable[Span]) -> dict[str, list[Sample]]:
    """What each attention instance computed."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for span in spans:
        if span.stage == "attention":
            sample = Sample(span.rows, span.layer, span.duration_ns / NS_PER_US)
            samples[span.worker].append(sample)
    return samples


def ffn_samples(spans: Iterable[Span]) -> dict[str, list[Sample]]:
    """What each FFN instance computed: messages computed together are one sample."""
    batches: dict[tuple[str, int, int, int], int] = defaultdict(int)
    for span in spans:
        if span.stage == "feed_forward":
            batches[span.worker, span.layer, span.start_ns, span.end_ns] += span.rows
    samples: dict[str, list[Sample]] = defaultdict(list)
    for (worker, layer, start_ns, end_ns), rows in batches.items():
        samples[worker].append(Sample(rows, layer, (end_ns - start_ns) / NS_PER_US))
    return samples


def link_samples(messages: Sequence[Message]) -> dict[Direction, list[Sample]]:
    """From handing a message over to its use by a receiver that has nothing else to do.

    A receiver that was busy looks late, so what it saw says only that the link took no longer than
    that: such messages are left out, unless all are such; then the quickest counts.
    """
    pick_ups = pick_ups_ns(messages)
    known: dict[Direction, list[int]] = {"out": [], "back": []}
    for message, pick_up_ns in zip(messages, pick_ups, strict=True):
        if pick_up_ns is not None:
            known[message.direction].append(pick_up_ns)
    usual_ns = {
        direction: float(np.median(each)) if each else 0.0 for direction, each in known.items()
    }
    samples: dict[Direction, list[Sample]] = {"out": [], "back": []}
    late: dict[Direction, list[Sample]] = {"out": [], "back": []}
    for message, pick_up_ns in zip(messages, pick_ups, strict=True):
        if message.seen_ns is not None:
            delay_ns = float(message.seen_ns)
            delay_ns += usual_ns[message.direction] if pick_up_ns is None else pick_up_ns
            own = late if message.is_late else samples
            own[message.direction].append(
                Sample(message.send.rows, message.send.layer, delay_ns / NS_PER_US)
            )
    for direction, uncertain in late.items():
        if uncertain and not samples[direction]:
            samples[direction].append(min(uncertain, key=lambda each: each.microseconds))
    return samples


def config_from_trace(trace: Trace) -> SimulationConfig:
    """A simulation of what was traced, with the times that were measured.

    The first step of each attention instance is left out when there are others, because it warms
    caches up. What an attention instance does between its recorded spans counts as attention. What
    a receiver needs to take up a message that is there already counts as its work, not as the
    link's.

    Raises:
        TraceError: The trace lacks attention or feed-forward.
    """
    spans = _warm(trace.spans)
    by_attention, by_ffn = attention_samples(spans), ffn_samples(spans)
    attention = [each for samples in by_attention.values() for each in samples]
    ffn = [each for samples in by_ffn.values() for each in samples]
    if not attention or not ffn:
        raise TraceError("the trace holds no attention or no feed-forward: nothing to fit")
    messages = messages_of(spans)
    handling_us = {way: ns / NS_PER_US for way, ns in handling_ns(spans, messages).items()}
    links = {
        way: [_longer(each, -handling_us[way]) for each in samples]
        for way, samples in link_samples(messages).items()
    }
    attention_us = _gap_us(spans) + handling_us["back"]
    info = trace.info
    return SimulationConfig(
        num_attention=info.num_attention,
        num_ffn=info.num_ffn,
        num_layers=info.num_layers,
        num_microbatches=info.num_microbatches,
        rows=int(np.median([each.rows for each in attention])),
        attention=fit_stage_time([_longer(each, attention_us) for each in attention]),
        ffn=fit_stage_time([_longer(each, handling_us["out"]) for each in ffn]),
        link_out=fit_link_time(links["out"]) if links["out"] else LinkTime(0.0),
        link_back=fit_link_time(links["back"]) if links["back"] else LinkTime(0.0),
        attention_send=_median_of_sends(spans, set(by_attention)),
        ffn_send=_median_of_sends(spans, set(by_ffn)),
        other=_other(spans),
    )


def _longer(sample: Sample, microseconds: float) -> Sample:
    return sample._replace(microseconds=max(0.0, sample.microseconds + microseconds))


def _warm(spans: Sequence[Span]) -> list[Span]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for span in spans:
        if span.stage == "attention":
            first[span.worker] = min(first.get(span.worker, span.step), span.step)
            last[span.worker] = max(last.get(span.worker, span.step), span.step)
    cold = {worker: step for worker, step in first.items() if step < last[worker]}
    only = next(iter(cold.values())) if len(first) == 1 and cold else None
    return [
        span for span in spans if span.step != (cold.get(span.worker, cold.get(span.peer, only)))
    ]


def _median_of_sends(spans: Sequence[Span], workers: set[str]) -> StageTime:
    """How long one micro-batch's sends keep an attention instance, one message an FFN instance."""
    busy: dict[tuple[object, ...], int] = defaultdict(int)
    rows: dict[tuple[object, ...], int] = {}
    for span in spans:
        if span.stage == "send" and span.worker in workers:
            sender_key = span.peer if span.peer.startswith("attention") else ""
            key = (span.worker, *span[2:5], sender_key)
            busy[key] += span.duration_ns
            rows[key] = span.rows
    if not busy:
        return NOTHING
    return replace(
        fit_stage_time([Sample(rows[key], NO_LAYER, ns / NS_PER_US) for key, ns in busy.items()]),
        ratios=(),
    )


def _other(spans: Sequence[Span]) -> StageTime:
    totals: dict[tuple[str, int], int] = defaultdict(int)
    rows: dict[tuple[str, int], int] = {}
    for span in spans:
        if span.stage == "other":
            totals[span.worker, span.step] += span.duration_ns
            rows[span.worker, span.step] = span.rows
    if not totals:
        return NOTHING
    return fit_stage_time(
        [Sample(rows[key], NO_LAYER, ns / NS_PER_US) for key, ns in totals.items()]
    )


def _gap_us(spans: Sequence[Span]) -> float:
    """Time of attention instances that no span covers, for each attention stage, the median."""
    steps: dict[tuple[str, int], list[Span]] = defaultdict(list)
    workers = {span.worker for span in spans if span.stage == "attention"}
    for span in spans:
        if span.worker in workers and span.stage != "receive":
            steps[span.worker, span.step].append(span)
    gaps = []
    for step in steps.values():
        stages = sum(span.stage == "attention" for span in step)
        lasted = max(span.end_ns for span in step) - min(span.start_ns for span in step)
        covered = sum(span.duration_ns for span in step)
        if stages:
            gaps.append(max(0, lasted - covered) / stages / NS_PER_US)
    return float(np.median(gaps))
