"""poll(2) as Python has it."""

import math
import select
from collections.abc import Mapping


def plain_poll(
    interests: Mapping[int, int], timeout_seconds: float | None
) -> list[tuple[int, int]]:
    """Wait until one of some file descriptors is ready.

    Args:
        interests: descriptor -> POLLIN, POLLOUT or both.
        timeout_seconds: None waits for ever.

    Returns:
        The ready descriptors with what they are ready for; none after the time. A descriptor that
        was closed meanwhile is POLLNVAL.
    """
    poller = select.poll()
    for descriptor, events in interests.items():
        poller.register(descriptor, events)
    return poller.poll(None if timeout_seconds is None else math.ceil(timeout_seconds * 1000))
