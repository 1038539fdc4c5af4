"""In which order layers and micro-batches take turns in a step."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """A micro-batch in a layer."""

    layer: int
    index: int


def in_order(num_layers: int, num_microbatches: int) -> list[Turn]:
    """All micro-batches in the first layer, then all in the second, and so on: heads come last."""
    return [Turn(layer, index) for layer in range(num_layers) for index in range(num_microbatches)]


def heads(num_microbatches: int) -> list[range]:
    """Whose heads are computed together, so that the head's weights are read less often.

    The first alone, while the results of the others are still on their way; then these.
    """
    return [each for each in (range(1), range(1, num_microbatches)) if each]


def following(schedule: Sequence[Turn]) -> list[Turn | None]:
    """For each turn the same micro-batch's next one in the schedule."""
    after: dict[int, Turn] = {}
    found: list[Turn | None] = []
    for turn in reversed(schedule):
        found.append(after.get(turn.index))
        after[turn.index] = turn
    return found[::-1]
