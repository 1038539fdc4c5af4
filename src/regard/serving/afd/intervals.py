"""Sets of times as sorted, disjoint half-open intervals."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same times as disjoint intervals in order; empty ones are left out."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > start:
            joined.append((start, end))
    return joined


def length(intervals: Iterable[Interval]) -> int:
    """How long disjoint intervals are together."""
    return sum(end - start for start, end in intervals)


def common(left: list[Interval], right: list[Interval]) -> list[Interval]:
    """The times in both of two unions."""
    found = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            found.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return found
