"""When the requests of a load test are sent."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Sequence

import numpy as np


def arrival_offsets(count: int, request_rate: float, seed: int) -> list[float]:
    """Seconds from the first request to each one: a Poisson process of this rate.

    Args:
        count: requests.
        request_rate: requests a second on average; infinite sends all at once.
        seed: same seed, same arrivals.
    """
    if math.isinf(request_rate) or count < 2:
        return [0.0] * count
    gaps = np.random.default_rng(seed).exponential(1.0 / request_rate, count - 1)
    return [0.0, *np.cumsum(gaps).tolist()]


async def arrivals(offsets: Sequence[float]) -> AsyncGenerator[int, None]:
    """Yields the number of each request when it is due.

    Each is due at a time since the start, so that a late one does not delay those after it.
    """
    started = time.monotonic()
    for number, offset in enumerate(offsets):
        delay = started + offset - time.monotonic()
        # Sleeping for nothing still lets the requests that were sent begin.
        await asyncio.sleep(max(delay, 0.0))
        yield number
