"""Holm's correction for several tests."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: the family's error stays below the level.

    Raises:
        ValueError: A value lies outside 0 to 1.
    """
    if any(not 0 <= each <= 1 for each in p_values):
        raise ValueError(f"p values {list(p_values)}: each lies between 0 and 1")
    count = len(p_values)
    adjusted = [1.0] * count
    largest = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda each: p_values[each])):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
