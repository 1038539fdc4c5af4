"""One deployment of a model: what each part of a decode step takes, and what binds.

A micro-batch passes, layer by layer, attention, the way out, the feed-forward and the way back; up
to four micro-batches are under way. A step cannot be shorter than the busiest resource works for
all micro-batches, nor than one micro-batch takes for its trip (Step-3 report, arXiv:2507.19427,
section 4). Times are averages over layers. Small kernels (norms, quantisation, routing), sampling,
jitter and launch gaps are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.efficiency import Efficiencies
from regard.serving.cost.errors import CostError
from regard.serving.cost.feed_forward_work import FeedForwardWork, feed_forward_work

# On the wire: FP8 with a float32 scale for each 128 values out, BF16 back.
BYTES_OUT = 1 + 4 / 128
BYTES_BACK = 2
# What a process keeps of each accelerator's memory for itself.
RESERVED_BYTES = 1e9


class Sharding(StrEnum):
    """How the feed-forwards are spread over their accelerators."""

    HYBRID = "hybrid"
    """Experts over servers, each split over the accelerators of its server, as in the report."""
    EXPERT = "expert-parallel"
    """Whole experts on each accelerator; the busiest one is waited for."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A layout, and how much it is given to do."""

    architecture: Architecture
    """The model."""

    attention_on: Accelerator
    """What attention runs on."""

    ffn_on: Accelerator
    """What feed-forwards run on."""

    attention_servers: int
    """Servers for attention; of a colocated deployment, all servers."""

    ffn_servers: int
    """Servers for feed-forwards; 0 in a colocated deployment."""

    sequences: int
    """Sequences of one micro-batch on one attention accelerator."""

    microbatches: int
    """Micro-batches under way."""

    context: int
    """Tokens in the cache of each sequence."""

    sharding: Sharding = Sharding.HYBRID
    """Of the feed-forwards."""

    def __post_init__(self) -> None:
        """Refuses a layout without attention, and expert parallelism without experts."""
        if self.attention_servers < 1 or self.ffn_servers < 0 or self.sequences < 1:
            raise CostError(
                f"{self.topology} with {self.sequences} sequences: give at least 1 of each"
            )
        if self.sharding is Sharding.EXPERT and self.architecture.moe is None:
            raise CostError(f"{self.architecture.name} has no experts to spread")

    @property
    def is_colocated(self) -> bool:
        """Whether both halves share their accelerators."""
        return self.ffn_servers == 0

    @property
    def topology(self) -> str:
        """`2A2F`, or the number of servers."""
        if self.is_colocated:
            return f"{self.attention_servers} colocated"
        return f"{self.attention_servers}A{self.ffn_servers}F"

    @property
    def attention_gpus(self) -> int:
        """Accelerators that compute attention."""
        return self.attention_servers * self.attention_on.gpus_per_server

    @property
    def ffn_gpus(self) -> int:
        """Accelerators that compute feed-forwards."""
        if self.is_colocated:
            return self.attention_gpus
        return self.ffn_servers * self.ffn_on.gpus_per_server

    @property
    def gpus(self) -> int:
        """All accelerators."""
        return self.attention_gpus + (0 if self.is_colocated else self.ffn_gpus)

    @property
    def tokens(self) -> int:
        """Tokens of one micro-batch over all attention accelerators."""
        return self.sequences * self.attention_gpus

    @cached_property
    def work(self) -> tuple[FeedForwardWork, ...]:
        """The products of the feed-forwards."""
        return feed_forward_work(self.architecture)

    @property
    def attention_memory(self) -> float:
        """Bytes on an attention accelerator: cache, attention weights, embedding and head."""
        model = self.architecture
        cache = self.sequences * self.microbatches * model.cached_bytes(self.context)
        weights = model.attention_parameters * model.weight_precision.bytes_per_element
        # Embedding and head stay in BF16.
        return cache + weights + 2 * (model.head_parameters * (1 if model.tied else 2))

    @property
    def ffn_memory(self) -> float:
        """Bytes on a feed-forward accelerator."""
        size = self.architecture.weight_precision.bytes_per_element
        return sum(each.held_parameters(self.ffn_gpus, self._is_whole) for each in self.work) * size

    @property
    def _is_whole(self) -> bool:
        return self.sharding is Sharding.EXPERT

    @property
    def fits(self) -> bool:
        """Whether weights and cache fit the memories."""
        if self.is_colocated:
            needed = self.attention_memory + self.ffn_memory
            return needed + RESERVED_BYTES <= self.attention_on.memory_bytes
        return (
            self.attention_memory + RESERVED_BYTES <= self.attention_on.memory_bytes
            and self.ffn_memory + RESERVED_BYTES <= self.ffn_on.memory_bytes
        )

    def with_sequences(self, sequences: int) -> Deployment:
        """The same with another micro-batch."""
        return replace(self, sequences=sequences)


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """What one micro-batch takes in all layers together, seconds."""

    cache_reads: float
    """Attention on the cache: reading it, or its arithmetic where that takes longer."""

    projections: float
    """Attention's projections."""

    feed_forward: float
    """Feed-forwards."""

    wire_out: float
    """Rows over the network."""

    gather: float
    """Rows between the accelerators of a feed-forward server."""

    scatter: float
    """Results between them."""

    wire_back: float
    """Results over the network."""

    head: float
    """The output head, once a step."""

    attention_binds: str
    """Memory bandwidth or compute."""

    ffn_binds: str
    """Memory bandwidth or compute."""

    @property
    def attention(self) -> float:
        """All of attention."""
        return self.cache_reads + self.projections

    @property
    def trip(self) -> float:
        """A micro-batch's way through all layers."""
        return (
            self.attention + self.wire_out + self.gather
            + self.feed_forward + self.scatter + self.wire_back
        )  # fmt: skip


def stage_times(deployment: Deployment, efficiency: Efficiencies) -> StageTimes:
    """What one micro-batch takes in each stage."""
    cache_reads, attention_binds = _cache_reads(deployment, efficiency)
    feed_forward, ffn_binds = _feed_forward(deployment, efficiency)
    model, on = deployment.architecture, deployment.attention_on
    head_bytes = 2 * model.head_parameters
    return StageTimes(
        cache_reads=cache_reads,
        projections=_projections(deployment, efficiency),
        feed_forward=feed_forward,
        head=head_bytes / (on.memory_bytes_per_second * efficiency.copy_memory),
        attention_binds=attention_binds,
        ffn_binds=ffn_binds,
        **_transfers(deployment, efficiency),
    )


def _cache_reads(deployment: Deployment, efficiency: Efficiencies) -> tuple[float, str]:
    model, on, context = deployment.architecture, deployment.attention_on, deployment.context
    precision = model.attention_precision
    speed = on.memory_bytes_per_second * efficiency.attention_memory(precision, context)
    read = model.kv_bytes(context).value * deployment.sequences / speed
    rate = on.flops_per_second(precision) * efficiency.dense_arithmetic
    computed = model.attention_flops(context).value * deployment.sequences / rate
    return max(read, computed), "memory bandwidth" if read >= computed else "compute"


def _projections(deployment: Deployment, efficiency: Efficiencies) -> float:
    model, on = deployment.architecture, deployment.attention_on
    size = model.weight_precision.bytes_per_element
    speed = on.memory_bytes_per_second * efficiency.projection_memory
    rate = on.flops_per_second(model.weight_precision) * efficiency.dense_arithmetic
    read = model.attention_parameters * size / speed
    return max(read, model.linear_flops().value * deployment.sequences / rate)


def _feed_forward(deployment: Deployment, efficiency: Efficiencies) -> tuple[float, str]:
    model, on = deployment.architecture, deployment.ffn_on
    speed = on.memory_bytes_per_second * efficiency.expert_memory
    speed /= model.weight_precision.bytes_per_element
    rate = on.flops_per_second(model.weight_precision) * efficiency.expert_arithmetic
    is_whole = deployment.sharding is Sharding.EXPERT
    total = read_longer = 0.0
    for each in deployment.work:
        load = each.load(deployment.tokens, deployment.ffn_gpus, is_whole)
        read, computed = load.parameters / speed, load.flops / rate
        total += max(read, computed)
        read_longer += max(read, computed) * (read >= computed)
    return total, "memory bandwidth" if read_longer >= total / 2 else "compute"


def _transfers(deployment: Deployment, efficiency: Efficiencies) -> dict[str, float]:
    """The ways out and back; both directions of a link at once do not slow each other."""
    model, tokens = deployment.architecture, deployment.tokens
    row = model.hidden * model.layers
    sending = tokens / deployment.attention_gpus
    inside = 0.0
    if deployment.sharding is Sharding.EXPERT and model.moe is not None:
        copies = model.moe.active + (1 if model.moe.shared_intermediate else 0)
        sent, received = sending * copies, tokens * copies / deployment.ffn_gpus
    else:
        servers = deployment.ffn_servers or deployment.attention_servers
        per_server = deployment.ffn_on.gpus_per_server
        sent, received = sending * servers, tokens / per_server
        inside = tokens * (per_server - 1) / per_server
    slowest = max(
        sent / _nic(deployment.attention_on, efficiency),
        received / _nic(deployment.ffn_on, efficiency),
    )
    if deployment.gpus <= deployment.attention_on.gpus_per_server:
        slowest = max(sent, received) / (deployment.ffn_on.link_bytes_per_second * efficiency.link)
    link = deployment.ffn_on.link_bytes_per_second * efficiency.link
    return {
        "wire_out": slowest * row * BYTES_OUT,
        "gather": inside * row * BYTES_OUT / link,
        "scatter": inside * row * BYTES_BACK / link,
        "wire_back": slowest * row * BYTES_BACK,
    }


def _nic(accelerator: Accelerator, efficiency: Efficiencies) -> float:
    share = accelerator.network_bytes_per_second / accelerator.gpus_per_server
    return share * efficiency.network


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
