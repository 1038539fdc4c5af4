"""Which part of every feed-forward one instance holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from regard.serving.errors import InvalidRequestError
from regard.serving.models.quantised import LoadedTensor, cut_step


@dataclass(frozen=True, kw_only=True)
class FeedForwardShard:
    """One cell of a grid: expert groups hold different experts, tensor ranks slices of each.

    Dense feed-forwards and the shared expert are cut into slices over the whole grid.
    """

    expert_group: int = 0
    """Which group of experts, from 0."""
    num_expert_groups: int = 1
    """Groups; each holds whole experts."""
    tensor_rank: int = 0
    """Which slice of the group's experts, from 0."""
    num_tensor_ranks: int = 1
    """Slices that an expert's inner width is cut into."""

    def __post_init__(self) -> None:
        if not (
            0 <= self.expert_group < self.num_expert_groups
            and 0 <= self.tensor_rank < self.num_tensor_ranks
        ):
            raise ValueError(f"not a cell of its own grid: {self}")

    @property
    def index(self) -> int:
        """Place among all shards, from 0."""
        return self.expert_group * self.num_tensor_ranks + self.tensor_rank

    @property
    def num_shards(self) -> int:
        """Shards that together hold everything."""
        return self.num_expert_groups * self.num_tensor_ranks

    def experts(self, num_experts: int) -> range:
        """The experts it holds."""
        span = even_part(num_experts, self.expert_group, self.num_expert_groups)
        return range(span.start, span.stop)

    def inner(self, width: int, matrices: Sequence[LoadedTensor] = ()) -> slice:
        """Its slice of a dense feed-forward's inner width.

        Args:
            width: the whole inner width.
            matrices: those to be cut; scales may forbid cutting everywhere.

        Raises:
            InvalidRequestError: the width cannot be cut into so many slices.
        """
        return _cut(width, self.index, self.num_shards, matrices)

    def expert_inner(self, width: int, matrices: Sequence[LoadedTensor] = ()) -> slice:
        """Its slice of a routed expert's inner width; arguments and errors as for `inner`."""
        return _cut(width, self.tensor_rank, self.num_tensor_ranks, matrices)


WHOLE = FeedForwardShard()
"""Everything in one place."""


def even_part(count: int, index: int, parts: int) -> slice:
    """The index-th of so many runs whose lengths differ by at most one."""
    return slice(count * index // parts, count * (index + 1) // parts)


def _cut(width: int, index: int, parts: int, matrices: Sequence[LoadedTensor]) -> slice:
    step = math.lcm(*(cut_step(matrix) for matrix in matrices)) if parts > 1 else 1
    blocks = -(-width // step)
    if blocks < parts:
        raise InvalidRequestError(
            f"an inner width of {width} cannot be cut into {parts} slices of whole "
            f"blocks of {step}",
            param="afd",
        )
    span = even_part(blocks, index, parts)
    return slice(span.start * step, min(span.stop * step, width))
