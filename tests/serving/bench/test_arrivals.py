import math
import time

import numpy as np
import pytest

from regard.serving.bench.arrivals import arrival_offsets, arrivals


def test_an_infinite_rate_sends_all_at_once():
    assert arrival_offsets(3, math.inf, seed=0) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("count", [0, 1])
def test_so_few_have_no_gap(count):
    assert arrival_offsets(count, 1.0, seed=0) == [0.0] * count


def test_gaps_are_exponential_with_the_rate():
    offsets = arrival_offsets(20_001, 4.0, seed=1)
    gaps = np.diff(offsets)
    assert offsets[0] == 0.0
    assert gaps.mean() == pytest.approx(0.25, rel=0.03)
    assert gaps.std() == pytest.approx(0.25, rel=0.05)
    assert (gaps > 0.25).mean() == pytest.approx(math.exp(-1), abs=0.015)


def test_the_seed_decides():
    assert arrival_offsets(9, 2.0, seed=5) == arrival_offsets(9, 2.0, seed=5)
    assert arrival_offsets(9, 2.0, seed=5) != arrival_offsets(9, 2.0, seed=6)


async def test_none_comes_early_and_a_late_one_delays_no_other():
    offsets = [0.0, 0.05, 0.1, 0.4]
    started = time.monotonic()
    seen = []
    async for number in arrivals(offsets):
        if number == 0:
            time.sleep(0.15)
        seen.append(time.monotonic() - started)
    assert all(at >= offset for at, offset in zip(seen, offsets, strict=True))
    assert seen[2] - seen[0] < 0.1
