"""Simulated traces whose truth is known."""

from typing import Any

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_file import Trace, TraceInfo


def simulated_trace(config: SimulationConfig) -> Trace:
    """What a simulation leaves."""
    spans: list[Span] = []
    simulate_events(config, spans)
    info = TraceInfo(
        source="simulation",
        num_attention=config.num_attention,
        num_ffn=config.num_ffn,
        num_layers=config.num_layers,
        num_microbatches=config.num_microbatches,
    )
    return Trace(info, sorted(spans, key=lambda span: span.start_ns))


def noisy_config(**changes: Any) -> SimulationConfig:
    """A 2A2F of 10 layers in lock step, with five per cent of noise."""
    fields: dict[str, Any] = {
        "num_attention": 2,
        "num_ffn": 2,
        "num_layers": 10,
        "num_microbatches": 3,
        "rows": 8,
        "attention": StageTime.constant(240, 0.05),
        "ffn": StageTime.constant(200, 0.05),
        "link_out": LinkTime(90),
        "link_back": LinkTime(70),
        "other": StageTime.constant(300, 0.05),
        "num_steps": 6,
        "lock_step": True,
    }
    return SimulationConfig(**(fields | changes))
