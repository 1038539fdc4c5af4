"""What a decoded token costs: the analysis of the Step-3 report (arXiv:2507.19427, section 3).

Attention costs max(FLOPs x price of a FLOP, KV bytes x price of a byte) + linear FLOPs x price of
a FLOP; feed-forward costs FLOPs x price of a FLOP, given batch enough. The network is hidden, and
embedding, head, norms and router are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.errors import CostError, require_fraction, require_positive
from regard.serving.cost.precision import Precision

TOKENS_PER_QUOTE = 1_000_000
# Of an FFN's traffic (FP8 in, BF16 out: 3 bytes a channel), the way back is 2 of 3 bytes.
WAY_BACK_SHARE = 2 / 3


@dataclass(frozen=True, kw_only=True)
class Speculation:
    """Verifying drafted tokens: a step computes several and keeps those accepted.

    The drafting itself is not counted.
    """

    num_drafted: int
    """Drafted tokens verified in each step; 0 for none."""

    acceptance: float
    """Chance that a drafted token is kept, given that the one before it was."""

    def __post_init__(self) -> None:
        """Refuses a negative number of drafts and a chance outside 0 to 1."""
        if self.num_drafted < 0:
            raise CostError(f"drafted tokens are {self.num_drafted}; give 0 or more")
        require_fraction("acceptance", self.acceptance)

    @property
    def computed(self) -> int:
        """Tokens computed in a step."""
        return self.num_drafted + 1

    @property
    def kept(self) -> float:
        """Tokens expected of a step."""
        return sum(self.acceptance**position for position in range(self.computed))


NO_SPECULATION = Speculation(num_drafted=0, acceptance=0.0)


@dataclass(frozen=True, kw_only=True)
class TokenCost:
    """What one model costs at one context, dollars per million decoded tokens."""

    model: str
    """The model's name."""

    context: int
    """Tokens in the cache."""

    kv_bytes: float
    """Cache bytes moved for a token."""

    attention_flops: float
    """Operations on the cache for a token."""

    linear_flops: float
    """Operations of the attention projections for a token."""

    ffn_flops: float
    """Operations of the feed-forward layers for a token."""

    intensity: float
    """Operations on the cache for each of its bytes."""

    attention_usd: Mapping[str, float]
    """Attention with its projections, by accelerator."""

    ffn_usd: Mapping[str, float]
    """Feed-forward, by accelerator."""

    @property
    def colocated_usd(self) -> dict[str, float]:
        """Both on one accelerator, by accelerator."""
        return {name: usd + self.ffn_usd[name] for name, usd in self.attention_usd.items()}

    @property
    def afd_pair(self) -> tuple[str, str]:
        """The cheapest accelerator for attention, and that for feed-forward."""
        attention = min(self.attention_usd, key=self.attention_usd.__getitem__)
        return attention, min(self.ffn_usd, key=self.ffn_usd.__getitem__)

    @property
    def afd_usd(self) -> float:
        """Each half on the accelerator that is cheapest for it."""
        attention, ffn = self.afd_pair
        return self.attention_usd[attention] + self.ffn_usd[ffn]


def attention_usd(
    architecture: Architecture,
    accelerator: Accelerator,
    context: int,
    speculation: Speculation = NO_SPECULATION,
) -> float:
    """Attention and its projections, dollars per million decoded tokens."""
    flop_usd = accelerator.usd_per_flop(architecture.attention_precision)
    compute = architecture.attention_flops(context).value * speculation.computed * flop_usd
    memory = architecture.kv_bytes(context).value * accelerator.usd_per_byte
    projection_usd = accelerator.usd_per_flop(architecture.weight_precision)
    linear = architecture.linear_flops().value * speculation.computed * projection_usd
    return (max(compute, memory) + linear) / speculation.kept * TOKENS_PER_QUOTE


def ffn_usd(
    architecture: Architecture,
    accelerator: Accelerator,
    speculation: Speculation = NO_SPECULATION,
) -> float:
    """Feed-forward, dollars per million decoded tokens."""
    flop_usd = accelerator.usd_per_flop(architecture.weight_precision)
    flops = architecture.ffn_flops().value * speculation.computed
    return flops * flop_usd / speculation.kept * TOKENS_PER_QUOTE


def token_cost(
    architecture: Architecture,
    accelerators: Sequence[Accelerator],
    context: int,
    speculation: Speculation = NO_SPECULATION,
) -> TokenCost:
    """What a decoded token of one model costs on each accelerator.

    Raises:
        CostError: No accelerator is given, one has no price, or the context is below 1.
    """
    if not accelerators:
        raise CostError("no accelerator is given; name at least one")
    return TokenCost(
        model=architecture.name,
        context=context,
        kv_bytes=architecture.kv_bytes(context).value,
        attention_flops=architecture.attention_flops(context).value,
        linear_flops=architecture.linear_flops().value,
        ffn_flops=architecture.ffn_flops().value,
        intensity=architecture.intensity(context),
        attention_usd={
            each.name: attention_usd(architecture, each, context, speculation)
            for each in accelerators
        },
        ffn_usd={each.name: ffn_usd(architecture, each, speculation) for each in accelerators},
    )


def dense_batch(accelerator: Accelerator, precision: Precision) -> float:
    """Tokens in a batch from which a dense matrix is bound by arithmetic.

    FLOPs / (2 x bandwidth), for weights of one byte; wider weights need more.
    """
    size = precision.bytes_per_element
    return (
        accelerator.flops_per_second(precision) * size / (2 * accelerator.memory_bytes_per_second)
    )


def moe_batch(accelerator: Accelerator, precision: Precision, sparsity: float) -> float:
    """Tokens in a batch from which experts are bound by arithmetic."""
    if not 0 < sparsity <= 1:
        raise CostError(f"sparsity is {sparsity}; give a share above 0 and up to 1")
    return dense_batch(accelerator, precision) / sparsity


def minimum_sparsity(
    accelerator: Accelerator,
    *,
    hidden: int,
    layers: int,
    tpot_seconds: float,
    num_stages: int,
    network_bytes_per_second: float | None = None,
) -> float:
    """The least share of active experts that the network can feed at high utilisation.

    S >= hidden x FLOPs x layers / (network x bandwidth x time), where time is that of the way back
    in one of `num_stages` stages: 50 ms / 3 x 2/3 = 11.1 ms in the report.

    Args:
        accelerator: Its FLOPs, bandwidth and network.
        hidden: Width of the residual.
        layers: Decoder layers.
        tpot_seconds: Time per output token.
        num_stages: Stages of the pipeline.
        network_bytes_per_second: What a server's NICs reach; by default their nominal speed.
    """
    for name, value in (("tpot", tpot_seconds), ("stages", num_stages)):
        require_positive(name, value)
    network = network_bytes_per_second or accelerator.network_bytes_per_second
    seconds = tpot_seconds / num_stages * WAY_BACK_SHARE
    flops = accelerator.flops_per_second(Precision.FP8)
    return hidden * flops * layers / (network * accelerator.memory_bytes_per_second * seconds)
