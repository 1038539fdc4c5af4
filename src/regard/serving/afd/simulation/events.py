"""The pipeline message by message: a heap of events in the order of time.

An attention instance follows its program (layers outside, micro-batches inside) and stops only
where results are missing. An FFN instance that is idle takes all that has arrived, computes it
layer by layer and answers each message; in lock step it takes only micro-batches that have arrived
from every attention instance.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.durations import (
    AttentionDurations,
    AttentionStep,
    FfnDurations,
    nanoseconds,
)
from regard.serving.afd.simulation.timeline import Timeline, busy_within_steps
from regard.serving.afd.trace import NO_LAYER, NO_MICROBATCH, Span, Stage

# The order of events at the same moment: what has arrived is seen before an FFN instance begins.
_AT_FFN, _AT_ATTENTION, _FFN_BEGINS = range(3)


class _Message(NamedTuple):
    """Rows of one micro-batch, or their results."""

    attention: int
    step: int
    layer: int
    microbatch: int


class _Attention:
    """One attention instance."""

    def __init__(self, config: SimulationConfig, index: int) -> None:
        self.name = f"attention{index}"
        self.durations = AttentionDurations(config, index)
        self.drawn: AttentionStep = self.durations.next_step()
        self.step = 0
        self.position = 0
        self.free_ns = int(nanoseconds(config.stagger_us * index))
        self.link_free_ns = 0
        self.last_arrival_ns = [0] * config.num_ffn
        self.missing = [0] * config.num_microbatches
        self.busy_ns = 0
        self.starts = [self.free_ns]
        self.ends: list[int] = []


class _Ffn:
    """One FFN instance."""

    def __init__(self, config: SimulationConfig, index: int) -> None:
        self.name = f"ffn{index}"
        self.durations = FfnDurations(config, index)
        self.free_ns = 0
        self.link_free_ns = 0
        self.last_arrival_ns = [0] * config.num_attention
        self.waiting: deque[_Message] = deque()
        self.counts: dict[tuple[int, int, int], int] = {}
        self.will_begin = False
        self.busy_ns = 0
        self.batches = 0


class EventSimulation:
    """One run of the pipeline."""

    def __init__(
        self,
        config: SimulationConfig,
        spans: list[Span] | None = None,
        advance: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Prepares a run.

        Args:
            config: What is simulated.
            spans: Where the trace goes, if one is wanted.
            advance: Told of each step that an attention instance has finished.
        """
        self._config = config
        self._spans = spans
        self._advance = advance
        self._attention = [_Attention(config, i) for i in range(config.num_attention)]
        self._ffn = [_Ffn(config, j) for j in range(config.num_ffn)]
        self._heap: list[tuple[int, int, int, int, _Message | None]] = []
        self._num_events = 0
        rows = config.rows
        self._out_ns = int(nanoseconds(config.link_out.us_per_row * rows))
        self._back_ns = int(nanoseconds(config.link_back.us_per_row * rows))
        self._attention_send_ns = int(nanoseconds(config.attention_send.median_us(rows)))
        self._ffn_send_ns = int(nanoseconds(config.ffn_send.median_us(rows)))

    def run(self) -> Timeline:
        """Plays all steps."""
        for index in range(self._config.num_attention):
            self._go_on(index, 0)
        while self._heap:
            now, kind, _, index, message = heapq.heappop(self._heap)
            if kind == _AT_FFN and message is not None:
                self._arrive_at_ffn(index, message, now)
            elif kind == _AT_ATTENTION and message is not None:
                self._arrive_at_attention(index, message, now)
            else:
                self._begin_ffn(index, now)
        step_ends = np.array([each.ends for each in self._attention]).T
        ffn_busy = np.array([each.busy_ns for each in self._ffn])
        ffn_free = np.array([each.free_ns for each in self._ffn])
        return Timeline(
            np.array([each.starts for each in self._attention]).T,
            step_ends,
            np.array([each.busy_ns for each in self._attention]),
            busy_within_steps(ffn_busy, ffn_free, step_ends),
            np.array([each.batches for each in self._ffn]),
        )

    def _push(self, time_ns: int, kind: int, index: int, message: _Message | None = None) -> None:
        self._num_events += 1
        heapq.heappush(self._heap, (time_ns, kind, self._num_events, index, message))

    def _span(
        self,
        worker: str,
        stage: Stage,
        key: tuple[int, int, int],
        rows: int,
        start_ns: int,
        end_ns: int,
        peer: str = "",
    ) -> None:
        if self._spans is not None:
            self._spans.append(Span(worker, stage, *key, rows, start_ns, end_ns, peer))

    def _go_on(self, index: int, now: int) -> None:
        """Follows an attention instance's program until results are missing or it ends."""
        config, instance = self._config, self._attention[index]
        while instance.step < config.num_steps:
            layer, microbatch = divmod(instance.position, config.num_microbatches)
            if instance.position == config.stages_per_step + config.num_microbatches:
                self._end_step(instance)
                continue
            if layer > 0:
                if instance.missing[microbatch]:
                    return
                key = (instance.step, layer - 1, microbatch)
                begun = instance.free_ns
                instance.free_ns = max(begun, now)
                self._span(instance.name, "wait", key, config.rows, begun, instance.free_ns)
            if layer < config.num_layers:
                self._attend(instance, _Message(index, instance.step, layer, microbatch))
            instance.position += 1

    def _attend(self, instance: _Attention, message: _Message) -> None:
        config, key = self._config, message[1:]
        end = instance.free_ns + int(instance.drawn.compute_ns[instance.position])
        handed = end + self._attention_send_ns
        self._span(instance.name, "attention", key, config.rows, instance.free_ns, end)
        self._span(instance.name, "send", key, config.rows, end, handed)
        instance.busy_ns += handed - instance.free_ns
        instance.free_ns = handed
        instance.missing[message.microbatch] = config.num_ffn
        left = max(instance.link_free_ns, end)
        delay = int(instance.drawn.delay_ns[instance.position])
        for ffn in range(config.num_ffn):
            left += self._out_ns
            arrival = max(instance.last_arrival_ns[ffn], left + delay)
            instance.last_arrival_ns[ffn] = arrival
            self._push(arrival, _AT_FFN, ffn, message)
        instance.link_free_ns = left

    def _end_step(self, instance: _Attention) -> None:
        end = instance.free_ns + instance.drawn.other_ns
        rows = self._config.rows * self._config.num_microbatches
        key = (instance.step, NO_LAYER, NO_MICROBATCH)
        self._span(instance.name, "other", key, rows, instance.free_ns, end)
        instance.busy_ns += instance.drawn.other_ns
        instance.free_ns = end
        instance.ends.append(end)
        instance.step += 1
        instance.position = 0
        if instance.step < self._config.num_steps:
            instance.starts.append(end)
            instance.drawn = instance.durations.next_step()
        self._advance(1)

    def _arrive_at_attention(self, ffn: int, message: _Message, now: int) -> None:
        instance = self._attention[message.attention]
        rows = self._config.rows
        self._span(instance.name, "receive", message[1:], rows, now, now, self._ffn[ffn].name)
        instance.missing[message.microbatch] -= 1
        if not instance.missing[message.microbatch]:
            self._go_on(message.attention, now)

    def _arrive_at_ffn(self, ffn: int, message: _Message, now: int) -> None:
        instance = self._ffn[ffn]
        sender = self._attention[message.attention].name
        self._span(instance.name, "receive", message[1:], self._config.rows, now, now, sender)
        instance.waiting.append(message)
        if self._config.lock_step:
            count = instance.counts.get(message[1:], 0) + 1
            instance.counts[message[1:]] = count
            if count < self._config.num_attention:
                return
        if not instance.will_begin:
            instance.will_begin = True
            self._push(max(now, instance.free_ns), _FFN_BEGINS, ffn)

    def _begin_ffn(self, ffn: int, now: int) -> None:
        instance = self._ffn[ffn]
        instance.will_begin = False
        groups: dict[tuple[int, ...], list[_Message]] = {}
        if self._config.lock_step:
            self._take_complete(instance, groups)
        else:
            for message in instance.waiting:
                groups.setdefault((message.layer,), []).append(message)
            instance.waiting.clear()
        instance.free_ns = now
        for group in groups.values():
            self._feed_forward(ffn, group)

    def _take_complete(self, instance: _Ffn, groups: dict[tuple[int, ...], list[_Message]]) -> None:
        left: deque[_Message] = deque()
        for message in instance.waiting:
            if instance.counts[message[1:]] == self._config.num_attention:
                groups.setdefault(message[1:], []).append(message)
            else:
                left.append(message)
        instance.waiting = left
        for key, group in groups.items():
            del instance.counts[key[0], key[1], key[2]]
            group.sort()

    def _feed_forward(self, ffn: int, group: list[_Message]) -> None:
        config, instance = self._config, self._ffn[ffn]
        start, layer = instance.free_ns, group[0].layer
        compute, delay = instance.durations.next_batches(
            config.rows * len(group), np.array([layer])
        )
        end = handed = start + int(compute[0])
        for message in group:
            sender = self._attention[message.attention].name
            self._span(instance.name, "feed_forward", message[1:], config.rows, start, end, sender)
            begun, handed = handed, handed + self._ffn_send_ns
            self._span(instance.name, "send", message[1:], config.rows, begun, handed, sender)
            instance.link_free_ns = max(instance.link_free_ns, begun) + self._back_ns
            arrival = max(
                instance.last_arrival_ns[message.attention], instance.link_free_ns + int(delay[0])
            )
            instance.last_arrival_ns[message.attention] = arrival
            self._push(arrival, _AT_ATTENTION, ffn, message)
        instance.busy_ns += handed - start
        instance.free_ns = handed
        instance.batches += 1


def simulate_events(
    config: SimulationConfig,
    spans: list[Span] | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Timeline:
    """Plays the pipeline message by message; see `EventSimulation`."""
    return EventSimulation(config, spans, advance).run()
