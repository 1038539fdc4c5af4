"""What lies between the stages of a layer: transfers both ways, and hand-overs between GPUs.

A step runs whose stages do next to nothing, in the orders and with the copies of a real one; what
a layer more takes is one trip.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.serving.device_timing import row
from benchmarks.serving.full.attention_side import AttentionSide
from benchmarks.serving.full.build import build_step
from benchmarks.serving.full.check import Devices
from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.ffn_side import FfnSide
from benchmarks.serving.full.machine import Machine
from benchmarks.serving.full.message import message_bytes
from benchmarks.serving.full.stages import stage_metric
from benchmarks.serving.full.weights import draw_weights
from regard.common.rows import Measurement

FEW, MANY = 8, 24
"""Layers of the two steps; what both have beside their layers is in neither's difference."""
SHORT_CONTEXT = 256
"""Caches are not read."""


class EmptyAttention:
    """An attention GPU that only lets its queue pass through a kernel."""

    def __init__(self, side: AttentionSide) -> None:
        """Of a GPU's state."""
        self.side = side
        self._count = torch.zeros(1, device=side.device)

    def attend(self, position: int, microbatch: int) -> None:
        """As `AttentionOperators`; the message stays what it was."""
        self._count.add_(1)

    def finish(self, microbatch: int) -> None:
        """As `AttentionOperators`; the tokens stay what they were."""
        self._count.add_(1)


class EmptyFfn:
    """An FFN GPU of the same kind."""

    def __init__(self, side: FfnSide) -> None:
        """Of a GPU's state."""
        self.side = side
        self._count = torch.zeros(1, device=side.device)

    def take_in(self, position: int, microbatch: int) -> None:
        """As `FfnOperators`."""
        self._count.add_(1)

    def compute(self, position: int, microbatch: int) -> None:
        """As `FfnOperators`; the results stay what they were."""
        self._count.add_(1)


def measure_trip(
    config: FullConfig, machine: Machine, devices: Devices, repeats: int
) -> Measurement:
    """The row of one micro-batch's trip, on all GPUs of the case."""
    weights = draw_weights(config.shortened(1), *devices)
    times = []
    for count in (FEW, MANY):
        # Which layers they are does not matter, since none is computed.
        layers = (config.numbers[0],) * count
        some = replace(config, layers=layers, num_microbatches=1, context=SHORT_CONTEXT)
        step = build_step(some, machine, devices, weights, (EmptyAttention, EmptyFfn))
        step.issue()
        machine.synchronize()
        replay = machine.captured(step.main[0], step.issue)
        # All are queued at once: from the second on none waits for the host.
        moments = []
        for _ in range(repeats + 2):
            replay()
            moments.append(machine.moment(step.main[0]))
        machine.synchronize()
        times.append(
            [b.seconds_since(a) * 1e6 for a, b in zip(moments[1:], moments[2:], strict=False)]
        )
    trips: Sequence[float] = [(many - few) / (MANY - FEW) for few, many in zip(*times, strict=True)]
    return row(
        stage_metric(config, "trip"), "us", trips,
        f"{message_bytes(config) / 1e6:.2f} MB from each attention to each FFN GPU and BF16 "
        "results back, hand-overs between GPUs, stages of one small kernel",
    )  # fmt: skip
