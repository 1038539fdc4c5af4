"""What a simulation gives: when each step began and ended, and who was busy for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True)
class Timeline:
    """Times in nanoseconds from the beginning of the simulation."""

    step_start_ns: IntArray
    """Beginning of each step of each attention instance, (steps, attention)."""
    step_end_ns: IntArray
    """Its end, after sampling, (steps, attention)."""
    attention_busy_ns: IntArray
    """Attention, sending, head and sampling of each attention instance."""
    ffn_busy_ns: IntArray
    """Computing and sending of each FFN instance, up to the end of the last step."""
    ffn_batches: IntArray
    """How many times each FFN instance computed a layer."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeline) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in self.__dataclass_fields__
        )

    __hash__ = None  # type: ignore[assignment]


def busy_within_steps(busy_ns: IntArray, free_ns: IntArray, step_end_ns: IntArray) -> IntArray:
    """What of FFN instances' work lies before the end of the last step.

    A message is used as soon as it arrives; its sender may still be busy with the sending, even
    after the last step. That rest is one piece, up to the moment when the instance is free.

    Args:
        busy_ns: All work of each instance.
        free_ns: When each has done its last work.
        step_end_ns: Ends of steps, any shape.
    """
    after_ns: IntArray = np.maximum(0, free_ns - step_end_ns.max())
    return busy_ns - after_ns
