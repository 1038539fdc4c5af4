"""What a receiver needs to take up a message that is there already when it looks."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from regard.serving.afd.trace import WORK, Span
from regard.serving.afd.trace_messages import Direction, Message


def handling_ns(spans: Sequence[Span], messages: Sequence[Message]) -> dict[Direction, float]:
    """The median for each direction; 0 where no message is sure to have been there.

    An attention instance shows it as a wait that had nothing to wait for, an FFN instance between
    the end of its work and the beginning of the next: polling, reading, decoding, and what it
    does to send the results before.
    """
    there: dict[Direction, float] = {
        "out": _usual_link_ns(messages, "out"),
        "back": _usual_link_ns(messages, "back"),
    }
    ends: dict[str, list[int]] = defaultdict(list)
    for span in spans:
        if span.stage in WORK:
            ends[span.worker].append(span.end_ns)
    ordered = {worker: sorted(each) for worker, each in ends.items()}
    used_together: dict[tuple[str, int, int], list[Message]] = defaultdict(list)
    for message in messages:
        if message.use is not None:
            key = (message.receiver, message.use.start_ns, message.use.end_ns)
            used_together[key].append(message)
    found: dict[Direction, list[int]] = {"out": [], "back": []}
    for (receiver, start_ns, end_ns), group in used_together.items():
        direction = group[0].direction
        looked_ns, done_ns = start_ns, end_ns
        if direction == "out":
            before = ordered.get(receiver, [])
            index = bisect_right(before, start_ns) - 1
            if index < 0:
                continue
            looked_ns, done_ns = before[index], start_ns
        if all(each.send.start_ns + there[direction] <= looked_ns for each in group):
            found[direction].append(done_ns - looked_ns)
    return {direction: float(median(each)) if each else 0.0 for direction, each in found.items()}


def _usual_link_ns(messages: Sequence[Message], direction: Direction) -> float:
    known = [
        message.link_ns
        for message in messages
        if message.direction == direction and message.link_ns is not None
    ]
    return float(median(known)) if known else 0.0
