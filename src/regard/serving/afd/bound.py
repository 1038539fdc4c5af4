"""What holds a step up: attention, the feed-forwards or the link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regard.serving.afd.config import MAX_MICROBATCHES

Resource = Literal["attention", "ffn", "link"]

# A trip this many times as long as the most work is no more than a balanced pipeline's.
BALANCED = 1.05


@dataclass(frozen=True, kw_only=True)
class StepWork:
    """What one step needs at least, by three counts; times in microseconds."""

    step_us: float
    """How long a step took, the median."""
    attention_us: float
    """Work of the busiest attention instance in one step."""
    ffn_us: float
    """Work of the busiest FFN instance in the time of one step."""
    trip_attention_us: float
    """Attention of a lone micro-batch, all layers together."""
    trip_ffn_us: float
    """Feed-forwards of a lone micro-batch, all layers together."""
    trip_link_us: float
    """Both ways over the link of a lone micro-batch, all layers together."""
    num_microbatches: int
    """Micro-batches of a step."""


@dataclass(frozen=True)
class Bound:
    """What to make faster first."""

    resource: Resource
    """The resource that holds the step up."""
    is_latency: bool
    """True where no worker is short of time, but each micro-batch's own trip is too long."""
    reason: str
    """Why, in one sentence with the figures."""


def find_bound(work: StepWork) -> Bound:
    """The largest of the three lower bounds of a step.

    No step is shorter than the work of its busiest attention instance, than that of its busiest
    FFN instance, or than one micro-batch's trip through all layers. Where the trip is the largest,
    by more than `BALANCED`, its longest part is named.
    """
    parts: dict[Resource, float] = {
        "attention": work.trip_attention_us,
        "ffn": work.trip_ffn_us,
        "link": work.trip_link_us,
    }
    trip_us = sum(parts.values())
    attention, ffn, trip = (
        _percent(each, work) for each in (work.attention_us, work.ffn_us, trip_us)
    )
    shares = (
        f"of a step of {work.step_us / 1000:.2f} ms the busiest attention instance works "
        f"{attention} and the busiest FFN instance {ffn}, and a micro-batch alone would need {trip}"
    )
    if trip_us > BALANCED * max(work.attention_us, work.ffn_us):
        resource: Resource = max(parts, key=lambda name: parts[name])
        advice = f" ({_percent(parts[resource], work)} of it {_NAMES[resource]})"
        if work.num_microbatches < MAX_MICROBATCHES:
            advice += ": more micro-batches would fill the gaps"
        return Bound(resource, True, shares + advice)
    resource = "attention" if work.attention_us >= work.ffn_us else "ffn"
    return Bound(resource, False, shares)


_NAMES = {"attention": "in attention", "ffn": "in feed-forwards", "link": "on the link"}


def _percent(part_us: float, work: StepWork) -> str:
    return f"{100 * part_us / work.step_us:.0f} %" if work.step_us else "0 %"
