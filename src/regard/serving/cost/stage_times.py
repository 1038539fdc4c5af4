"""What one micro-batch takes in each stage of a deployment.

Times are sums over all layers. Small kernels (norms, quantisation, routing), sampling, jitter and
launch gaps are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.deployment import Deployment, Sharding
from regard.serving.cost.efficiency import Efficiencies

# On the wire: FP8 with a float32 scale for each 128 values out, BF16 back.
BYTES_OUT = 1 + 4 / 128
BYTES_BACK = 2


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
