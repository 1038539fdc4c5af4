"""What a simulation predicts, in the units in which a run is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regard.serving.afd.bound import Bound, StepWork, find_bound
from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.lock_step import simulate_lock_step
from regard.serving.afd.simulation.timeline import Timeline
from regard.serving.afd.trace import NS_PER_US, Span


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One simulated configuration."""

    topology: str
    """Attention and FFN instances, `2A1F`."""
    num_microbatches: int
    """Micro-batches of each attention instance."""
    rows: int
    """Rows of a micro-batch."""
    step_ms: float
    """Median time of a step: the time between two tokens of a request."""
    step_p99_ms: float
    """99th percentile of the same."""
    step_mean_ms: float
    """Mean of the same."""
    tokens_per_second: float
    """Of all attention instances together, one token a row and step."""
    attention_utilisation: float
    """Share of the time that attention instances work, on average."""
    ffn_utilisation: float
    """Share of the time that FFN instances work, on average."""
    rows_per_ffn_batch: float
    """Rows that an FFN instance computes together, on average."""
    bound: Bound
    """What holds the step up."""


def simulate(
    config: SimulationConfig,
    spans: list[Span] | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Timeline:
    """Runs the quicker engine that can do what is asked.

    Args:
        config: What is simulated.
        spans: Where the trace goes, if one is wanted; it costs the message-by-message engine.
        advance: Told of progress; `progress_total(config, ...)` in all.
    """
    if config.lock_step and spans is None:
        return simulate_lock_step(config, advance)
    return simulate_events(config, spans, advance)


def progress_total(config: SimulationConfig, *, is_traced: bool) -> int:
    """What `simulate` reports in all: steps, of the cluster or of each attention instance."""
    if config.lock_step and not is_traced:
        return config.num_steps
    return config.num_steps * config.num_attention


def predict(config: SimulationConfig) -> Prediction:
    """Simulates and sums up."""
    return prediction_of(config, simulate(config))


def prediction_of(config: SimulationConfig, timeline: Timeline) -> Prediction:
    """Sums a simulated timeline up."""
    steps_us = (timeline.step_end_ns - timeline.step_start_ns) / NS_PER_US
    lasted_us = (timeline.step_end_ns[-1] - timeline.step_start_ns[0]) / NS_PER_US
    window_us = float(timeline.step_end_ns.max() - timeline.step_start_ns.min()) / NS_PER_US
    tokens = config.rows * config.num_microbatches * config.num_steps
    messages = config.num_attention * config.num_steps * config.stages_per_step
    median_us = float(np.median(steps_us))
    return Prediction(
        topology=config.topology,
        num_microbatches=config.num_microbatches,
        rows=config.rows,
        step_ms=median_us / 1e3,
        step_p99_ms=float(np.percentile(steps_us, 99)) / 1e3,
        step_mean_ms=float(np.mean(steps_us)) / 1e3,
        tokens_per_second=_rate(tokens, lasted_us),
        attention_utilisation=_share(timeline.attention_busy_ns, window_us),
        ffn_utilisation=_share(timeline.ffn_busy_ns, window_us),
        rows_per_ffn_batch=config.rows * messages / float(np.mean(timeline.ffn_batches)),
        bound=find_bound(_work(config, timeline, median_us, window_us)),
    )


def _rate(tokens: int, lasted_us: np.ndarray) -> float:
    # A schedule without any time in it has no rate; JSON has no name for infinity.
    return float(np.sum(tokens / lasted_us)) * 1e6 if lasted_us.all() else 0.0


def _share(busy_ns: np.ndarray, window_us: float) -> float:
    return float(np.mean(busy_ns)) / NS_PER_US / window_us if window_us else 0.0


def _work(
    config: SimulationConfig, timeline: Timeline, step_us: float, window_us: float
) -> StepWork:
    rows, layers = config.rows, range(config.num_layers)
    attention_us = config.attention.median_us(rows)
    ffn_us = config.ffn.median_us(rows * (config.num_attention if config.lock_step else 1))
    links = (config.link_out, config.link_back)
    link_us = sum(link.total_delay_us + link.us_per_row * rows for link in links)
    busiest_ffn_us = float(timeline.ffn_busy_ns.max()) / NS_PER_US
    return StepWork(
        step_us=step_us,
        attention_us=float(timeline.attention_busy_ns.max()) / NS_PER_US / config.num_steps,
        ffn_us=busiest_ffn_us * step_us / window_us if window_us else 0.0,
        trip_attention_us=attention_us * sum(map(config.attention.layer_factor, layers)),
        trip_ffn_us=ffn_us * sum(map(config.ffn.layer_factor, layers)),
        trip_link_us=link_us * config.num_layers,
        num_microbatches=config.num_microbatches,
    )
