"""One deployment of a model: where its halves run and what they are given to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.errors import CostError
from regard.serving.cost.feed_forward_work import FeedForwardWork, feed_forward_work

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
