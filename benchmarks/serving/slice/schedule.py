"""In which order layers and micro-batches take turns in a step."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """A micro-batch in a layer."""

    layer: int
    index: int
    ahead: int = 0
    """Steps by which it is ahead of the one that the schedule began with."""


def in_order(num_layers: int, num_microbatches: int) -> list[Turn]:
    """All micro-batches in the first layer, then all in the second, and so on: heads come last."""
    return [Turn(layer, index) for layer in range(num_layers) for index in range(num_microbatches)]


def offsets(num_layers: int, num_microbatches: int) -> list[int]:
    """Where micro-batches stand when a staggered step begins: far from each other and from ends."""
    return [
        max(1, (2 * index + 1) * num_layers // (2 * num_microbatches))
        for index in range(num_microbatches)
    ]


def prologue(num_layers: int, num_microbatches: int) -> list[Turn]:
    """Brings each micro-batch to where the first staggered step expects it."""
    starts = offsets(num_layers, num_microbatches)
    return [
        Turn(layer, index, 1)
        for layer in range(max(starts))
        for index, start in enumerate(starts)
        if layer < start
    ]


def staggered(num_layers: int, num_microbatches: int) -> list[Turn]:
    """Each micro-batch from its own layer round to the same layer of the next step.

    Heads then stand far from each other, so that the FFN GPU does not wait for three in a row.
    """
    starts = offsets(num_layers, num_microbatches)
    return [
        Turn((turn + start) % num_layers, index, (turn + start) // num_layers)
        for turn in range(num_layers)
        for index, start in enumerate(starts)
    ]


def following(schedule: Sequence[Turn]) -> list[Turn | None]:
    """For each turn the same micro-batch's next one in the schedule."""
    after: dict[int, Turn] = {}
    found: list[Turn | None] = []
    for turn in reversed(schedule):
        found.append(after.get(turn.index))
        after[turn.index] = turn
    return found[::-1]
