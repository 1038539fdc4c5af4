"""Gathers every instance's spans, in one clock."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regard.serving.afd.topology import Topology
from regard.serving.afd.trace import Span, checked_span, clock_offset_ns
from regard.serving.afd.trace_file import TraceInfo, write_trace

NUM_PROBES = 8


class TraceCollector:
    """Asks instances for their time, takes their spans, writes the file."""

    def __init__(self, topology: Topology, *, num_layers: int, num_microbatches: int) -> None:
        self._topology = topology
        self._num_layers, self._num_microbatches = num_layers, num_microbatches
        self._probes: dict[str, list[tuple[int, int, int]]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._num_dropped_steps = 0

    def ask_for_the_time(self, send: Callable[..., bool]) -> None:
        """Probe a clock; the answers come through `take`."""
        for _ in range(NUM_PROBES):
            send(kind="clock", asked=time.perf_counter_ns())

    def take(self, place: str, message: dict[str, Any]) -> None:
        """An instance's time, or some of its spans."""
        if message["kind"] == "clock":
            probe = (message["asked"], message["answered"], time.perf_counter_ns())
            self._probes.setdefault(place, []).append(probe)
        else:
            spans = [checked_span(fields) for fields in message["spans"]]
            self._spans.setdefault(place, []).extend(spans)
            self._num_dropped_steps += message["num_dropped_steps"]

    def write(self, path: Path, notes: str) -> None:
        """Write what there is.

        Raises:
            TraceError: the file cannot be written.
        """
        spans = [
            span._replace(start_ns=span.start_ns + shift, end_ns=span.end_ns + shift)
            for place, own in self._spans.items()
            for shift in [self._shift(place)]
            for span in own
        ]
        info = TraceInfo(
            source="run",
            num_attention=self._topology.num_attention,
            num_ffn=self._topology.num_ffn,
            num_layers=self._num_layers,
            num_microbatches=self._num_microbatches,
            num_dropped_steps=self._num_dropped_steps,
            notes=notes,
        )
        write_trace(path, spans, info)

    def _shift(self, place: str) -> int:
        """What brings an instance's clock to ours: nothing where they may be the same one."""
        probes = self._probes.get(place)
        if not probes:
            return 0
        shift = clock_offset_ns(probes)
        uncertainty = min(came - asked for asked, _, came in probes)
        return shift if abs(shift) > uncertainty else 0
