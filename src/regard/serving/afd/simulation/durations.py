"""The drawn times of each worker, in whole nanoseconds, the same for both engines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.stage_time import FloatArray, Noise, StageTime
from regard.serving.afd.simulation.timeline import IntArray
from regard.serving.afd.trace import NS_PER_US

# Streams of random numbers: one for each worker and each of these.
_ATTENTION, _FFN, _LINK_OUT, _LINK_BACK, _OTHER = range(5)


def nanoseconds(microseconds: ArrayLike) -> IntArray:
    """Rounded to whole nanoseconds, so that sums are exact in any order."""
    return np.asarray(np.rint(np.asarray(microseconds) * NS_PER_US), dtype=np.int64)


class AttentionStep(NamedTuple):
    """One step of one attention instance, stages in the order layer, micro-batch."""

    compute_ns: IntArray
    """Attention of each stage."""
    delay_ns: IntArray
    """The link's delay of each stage's messages."""
    other_ns: int
    """Head and sampling after the last layer."""


class AttentionDurations:
    """The times of one attention instance, a step at a time."""

    def __init__(self, config: SimulationConfig, index: int) -> None:
        slow = config.slow_factor("attention", index)
        per_layer = _by_layer(config.attention, config.num_layers)
        stage_us = config.attention.median_us(config.rows) * slow
        self._base_us = stage_us * np.repeat(per_layer, config.num_microbatches)
        self._delay_us = config.link_out.delay_us
        self._constant_us = config.link_out.constant_us
        self._other_us = config.other.median_us(config.rows * config.num_microbatches) * slow
        seed = config.seed
        self._noise = Noise(config.attention, seed=seed, kind=_ATTENTION, index=index)
        self._link = Noise(config.link_out.noise, seed=seed, kind=_LINK_OUT, index=index)
        self._other = Noise(config.other, seed=seed, kind=_OTHER, index=index)

    def next_step(self) -> AttentionStep:
        """Draws the next step."""
        count = self._base_us.size
        return AttentionStep(
            nanoseconds(self._base_us * self._noise.take(count)),
            nanoseconds(self._constant_us + self._delay_us * self._link.take(count)),
            int(nanoseconds(self._other_us * self._other.take(1))[0]),
        )


class FfnDurations:
    """The times of one FFN instance, a batch at a time or many."""

    def __init__(self, config: SimulationConfig, index: int) -> None:
        self._time = config.ffn
        self._slow = config.slow_factor("ffn", index)
        self._per_layer = _by_layer(config.ffn, config.num_layers)
        self._delay_us = config.link_back.delay_us
        self._constant_us = config.link_back.constant_us
        seed = config.seed
        self._noise = Noise(config.ffn, seed=seed, kind=_FFN, index=index)
        self._link = Noise(config.link_back.noise, seed=seed, kind=_LINK_BACK, index=index)

    def next_batches(self, rows: int, layers: IntArray) -> tuple[IntArray, IntArray]:
        """Draws batches of that many rows, one for each entry of `layers`.

        Returns:
            The compute times and the delays of the way back.
        """
        stage_us = self._time.median_us(rows) * self._slow
        compute_us = stage_us * self._per_layer[layers] * self._noise.take(layers.size)
        return nanoseconds(compute_us), nanoseconds(
            self._constant_us + self._delay_us * self._link.take(layers.size)
        )


def _by_layer(time: StageTime, num_layers: int) -> FloatArray:
    return np.array([time.layer_factor(layer) for layer in range(num_layers)])
