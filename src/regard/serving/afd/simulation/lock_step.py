"""The lock-step schedule as recurrences over all workers at once.

Where every FFN instance waits for all attention instances, the order of work is fixed, and each
time is a maximum of sums of earlier ones (a max-plus recurrence). A stage of the whole cluster is
then a few numpy operations on one number a worker, instead of one event for each pair of workers.
`events.py` plays the same schedule message by message; a test compares them to the nanosecond.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.durations import AttentionDurations, FfnDurations, nanoseconds
from regard.serving.afd.simulation.timeline import IntArray, Timeline, busy_within_steps


class _Cluster:
    """The moments up to which everything is decided, one entry a worker."""

    def __init__(self, config: SimulationConfig) -> None:
        x, y = config.num_attention, config.num_ffn
        self.attention_free = nanoseconds(config.stagger_us * np.arange(x))
        self.attention_link_free = np.zeros(x, np.int64)
        self.ffn_free = np.zeros(y, np.int64)
        self.ffn_link_free = np.zeros(y, np.int64)
        self.results = np.zeros((config.num_microbatches, x), np.int64)
        self.attention_busy = np.zeros(x, np.int64)
        self.ffn_busy = np.zeros(y, np.int64)
        self._set_link_times(config)

    def _set_link_times(self, config: SimulationConfig) -> None:
        x, y, rows = config.num_attention, config.num_ffn, config.rows
        out_ns = nanoseconds(config.link_out.us_per_row * rows)
        back_ns = nanoseconds(config.link_back.us_per_row * rows)
        self.attention_send = nanoseconds(config.attention_send.median_us(rows))
        self.ffn_send = nanoseconds(config.ffn_send.median_us(rows))
        self.out_until = out_ns * np.arange(1, y + 1)
        self.back_until = back_ns * np.arange(1, x + 1)
        self.back_sent = self.ffn_send * np.arange(x)
        self.out_ns, self.back_ns = out_ns, back_ns

    def attend(self, microbatch: int, compute: IntArray, delay: IntArray) -> IntArray:
        """Attention of one stage on all instances; when the last row is at each FFN instance."""
        y = self.ffn_free.size
        start = np.maximum(self.attention_free, self.results[microbatch])
        end = start + compute
        self.attention_busy += compute + self.attention_send
        self.attention_free = end + self.attention_send
        begin = np.maximum(self.attention_link_free, end)
        self.attention_link_free = begin + y * self.out_ns
        return int(np.max(begin + delay)) + self.out_until

    def feed_forward(
        self, microbatch: int, arrival: IntArray, compute: IntArray, delay: IntArray
    ) -> None:
        """Feed-forward of one stage on all instances, and the way back to all."""
        x = self.attention_free.size
        end = np.maximum(self.ffn_free, arrival) + compute
        self.ffn_free = end + x * self.ffn_send
        self.ffn_busy += compute + x * self.ffn_send
        # Message q leaves after q sends or after q transfers, whichever is slower; a sum of both
        # kinds is largest at one of the two ends.
        link_begin = np.maximum(self.ffn_link_free, end)
        by_link = int(np.max(link_begin + delay)) + self.back_until
        by_send = int(np.max(end + delay)) + self.back_sent + self.back_ns
        self.ffn_link_free = np.maximum(
            link_begin + x * self.back_ns, end + (x - 1) * self.ffn_send + self.back_ns
        )
        # A message that overtook another would wait for it: work is done in one order.
        self.results[microbatch] = np.maximum(by_link, by_send)


def simulate_lock_step(
    config: SimulationConfig, advance: Callable[[float], None] = lambda _: None
) -> Timeline:
    """Plays the schedule of a lock-step cluster.

    Args:
        config: What is simulated; `lock_step` must be set.
        advance: Told of each finished step.
    """
    if not config.lock_step:
        raise ValueError("only a lock-step schedule has a fixed order: use simulate_events")
    cluster = _Cluster(config)
    attention = [AttentionDurations(config, i) for i in range(config.num_attention)]
    ffn = [FfnDurations(config, j) for j in range(config.num_ffn)]
    layers = np.repeat(np.arange(config.num_layers), config.num_microbatches)
    starts, ends = [], []
    for _ in range(config.num_steps):
        starts.append(cluster.attention_free)
        _step(cluster, config, attention, ffn, layers)
        ends.append(cluster.attention_free)
        advance(1)
    batches = np.full(config.num_ffn, config.num_steps * layers.size)
    step_ends = np.stack(ends)
    ffn_busy = busy_within_steps(cluster.ffn_busy, cluster.ffn_free, step_ends)
    return Timeline(np.stack(starts), step_ends, cluster.attention_busy, ffn_busy, batches)


def _step(
    cluster: _Cluster,
    config: SimulationConfig,
    attention: list[AttentionDurations],
    ffn: list[FfnDurations],
    layers: IntArray,
) -> None:
    drawn = [each.next_step() for each in attention]
    compute = np.stack([each.compute_ns for each in drawn], axis=1)  # (stages, attention)
    out_delay = np.stack([each.delay_ns for each in drawn], axis=1)
    rows = config.rows * config.num_attention
    answers = [each.next_batches(rows, layers) for each in ffn]
    ffn_compute = np.stack([each[0] for each in answers], axis=1)  # (stages, ffn)
    back_delay = np.stack([each[1] for each in answers], axis=1)
    cluster.results[:] = 0
    for stage in range(layers.size):
        microbatch = stage % config.num_microbatches
        arrival = cluster.attend(microbatch, compute[stage], out_delay[stage])
        cluster.feed_forward(microbatch, arrival, ffn_compute[stage], back_delay[stage])
    other = np.array([each.other_ns for each in drawn])
    drained = np.maximum(cluster.attention_free, cluster.results.max(axis=0))
    cluster.attention_free = drained + other
    cluster.attention_busy += other
