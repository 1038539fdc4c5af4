"""One decode step of a deployment: how long it is and what binds.

A micro-batch passes, layer by layer, attention, the way out, the feed-forward and the way back; up
to four micro-batches are under way. A step cannot be shorter than the busiest resource works for
all micro-batches, nor than one micro-batch takes for its trip (Step-3 report, arXiv:2507.19427,
section 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from regard.serving.cost.deployment import Deployment
from regard.serving.cost.efficiency import Efficiencies
from regard.serving.cost.stage_times import StageTimes, stage_times


@dataclass(frozen=True, kw_only=True)
class Step:
    """One decode step of a deployment."""

    seconds: float
    """Time per output token."""

    binds: str
    """What the time is made of, where shortening anything else would not help."""

    tokens_per_second_per_gpu: float
    """Output tokens of all sequences, over all accelerators."""

    stages: StageTimes
    """What it is made of."""


def step(deployment: Deployment, efficiency: Efficiencies) -> Step:
    """The time of a step at these efficiencies, and what binds."""
    stages, count = stage_times(deployment, efficiency), deployment.microbatches
    compute = {
        f"attention ({stages.attention_binds})": stages.attention,
        f"feed-forward ({stages.ffn_binds})": stages.feed_forward,
    }
    if deployment.is_colocated:
        compute = {" + ".join(compute): sum(compute.values())}
    resources = {
        **compute,
        "network": max(stages.wire_out, stages.wire_back),
        "link inside servers": stages.gather + stages.scatter,
    }
    bounds = {name: count * seconds for name, seconds in resources.items()}
    bounds["a micro-batch's own trip"] = stages.trip
    binds = max(bounds, key=bounds.__getitem__)
    seconds = bounds[binds] + count * stages.head
    tokens = deployment.tokens * count
    return Step(
        seconds=seconds,
        binds=binds,
        tokens_per_second_per_gpu=tokens / seconds / deployment.gpus,
        stages=stages,
    )


def usd_per_million(deployment: Deployment, rate: float) -> float | None:
    """Dollars per million tokens at a rate of tokens a second for each accelerator."""
    halves = [(deployment.attention_on, deployment.attention_gpus)]
    if not deployment.is_colocated:
        halves.append((deployment.ffn_on, deployment.ffn_gpus))
    if any(on.usd_per_hour is None for on, _ in halves):
        return None
    usd_per_second = math.fsum(on.usd_per_second * count for on, count in halves)
    return usd_per_second / (rate * deployment.gpus) * 1e6
