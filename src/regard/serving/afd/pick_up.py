"""How long a visible message waits for a receiver that has nothing else to do."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from regard.serving.afd.intervals import Interval
from regard.serving.afd.trace_messages import Message


def pick_ups_ns(messages: Sequence[Message]) -> list[int | None]:
    """From being visible to being used, for each message.

    None where the receiver was busy meanwhile, where others that it used together with this one
    came later, or where a time was not recorded.
    """
    computed: dict[str, set[Interval]] = defaultdict(set)
    latest: dict[tuple[str, Interval], int] = defaultdict(int)
    for message in messages:
        if message.use is not None and message.receive is not None:
            used = (message.use.start_ns, message.use.end_ns)
            key = (message.receiver, used)
            latest[key] = max(latest[key], message.receive.end_ns)
            if message.direction == "out":
                computed[message.receiver].add(used)
    ordered = {receiver: sorted(times) for receiver, times in computed.items()}
    return [_pick_up_ns(each, ordered.get(each.receiver, []), latest) for each in messages]


def _pick_up_ns(
    message: Message,
    computed: Sequence[Interval],
    latest: dict[tuple[str, Interval], int],
) -> int | None:
    if message.receive is None or message.use is None:
        return None
    seen_ns = message.receive.end_ns
    used = (message.use.start_ns, message.use.end_ns)
    if seen_ns < latest[message.receiver, used]:
        return None
    if message.direction == "back":
        return max(0, used[1] - seen_ns) if used[0] <= seen_ns else None
    before = bisect_left(computed, used) - 1
    is_idle = before < 0 or computed[before][1] <= seen_ns
    return max(0, used[0] - seen_ns) if is_idle else None
