"""The embeddings that stand in a prompt in place of its pictures' tokens."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class ImageEmbeddings:
    """All pictures of one prompt."""

    positions: Sequence[int]
    """Places in the prompt that take an embedding, ascending."""
    values: Tensor
    """One for each, as (places, hidden)."""

    def between(self, start: int, end: int) -> tuple[Sequence[int], Tensor]:
        """The places from `start` to before `end`, with their embeddings."""
        low, high = (bisect_left(self.positions, limit) for limit in (start, end))
        return self.positions[low:high], self.values[low:high]
