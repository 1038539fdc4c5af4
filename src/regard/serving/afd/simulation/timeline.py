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
    """Computing and sending of each FFN instance."""
    ffn_batches: IntArray
    """How many times each FFN instance computed a layer."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeline) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in self.__dataclass_fields__
        )

    __hash__ = None  # type: ignore[assignment]
