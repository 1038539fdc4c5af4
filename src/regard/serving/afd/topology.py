"""How many instances of each kind, and what each FFN instance holds."""

import re
from dataclasses import dataclass

from regard.serving.errors import InvalidRequestError
from regard.serving.models.config import ModelConfig
from regard.serving.models.shard import FeedForwardShard
from regard.serving.models.step3_config import Step3Config

_NAME = re.compile(r"(\d+)A(\d+)F", re.IGNORECASE)


@dataclass(frozen=True)
class Topology:
    """`xAyF`: x attention instances, y FFN instances."""

    num_attention: int
    """Instances with KV cache, router, norms, embedding and head; each serves its own requests."""
    num_ffn: int
    """Instances with feed-forwards; together they hold each once."""
    num_expert_groups: int = 1
    """1 cuts every expert into num_ffn slices (tensor-parallel); num_ffn gives whole experts to
    each instance (expert-parallel); a divisor between does both."""

    def __post_init__(self) -> None:
        if self.num_attention < 1 or self.num_ffn < 1:
            raise InvalidRequestError(
                f"{self} needs at least one instance of each kind", param="afd"
            )
        if self.num_expert_groups < 1 or self.num_ffn % self.num_expert_groups:
            raise InvalidRequestError(
                f"{self.num_ffn} FFN instances cannot be divided into {self.num_expert_groups} "
                "expert groups of equal size",
                param="afd_expert_groups",
            )

    def __str__(self) -> str:
        return f"{self.num_attention}A{self.num_ffn}F"

    @property
    def shards(self) -> tuple[FeedForwardShard, ...]:
        """What each FFN instance holds."""
        ranks = self.num_ffn // self.num_expert_groups
        return tuple(
            FeedForwardShard(
                expert_group=index // ranks,
                num_expert_groups=self.num_expert_groups,
                tensor_rank=index % ranks,
                num_tensor_ranks=ranks,
            )
            for index in range(self.num_ffn)
        )


def parse_topology(text: str, model: ModelConfig, num_expert_groups: int | None = None) -> Topology:
    """Read `2A1F` for a model.

    Args:
        text: the topology's name.
        model: expert-parallel is the default where it has an expert for every FFN instance.
        num_expert_groups: overrides that.

    Raises:
        InvalidRequestError: not of that form, or an FFN instance would hold nothing.
    """
    match = _NAME.fullmatch(text.strip())
    if match is None:
        raise InvalidRequestError(
            f"topology {text!r} is not of the form 2A1F: attention instances, then FFN instances",
            param="afd",
        )
    num_experts = model.num_experts if isinstance(model, Step3Config) else 0
    num_ffn = int(match[2])
    if num_expert_groups is None:
        num_expert_groups = num_ffn if 0 < num_ffn <= num_experts else 1
    topology = Topology(int(match[1]), num_ffn, num_expert_groups)
    if num_expert_groups > max(num_experts, 1):
        raise InvalidRequestError(
            f"{num_expert_groups} expert groups for {num_experts} experts: a group would be empty",
            param="afd_expert_groups",
        )
    return topology
