import time

import pytest

from benchmarks.serving.full.timing import Timing, time_steps
from tests.benchmarks.full.cases import mini, step_of, whole


def test_rate_and_times_are_those_of_the_steps():
    config = whole(5, 3, batch=100, num_microbatches=3)
    timing = Timing(config, [0.05] * 98 + [0.1] * 2, 5.1, 7, {"attention": 120.0}, [])
    assert timing.rate == pytest.approx(1500 * 100 / 5.1 / 8)
    assert timing.tpot == 0.05
    assert timing.tpot_p99 > 0.09
    line = timing.describe()
    for text in (
        "5A3F, 3 x 100 at 4096",
        "TPOT 50.00 ms",
        "100 steps",
        "attention 120.0",
        "61 lay",
    ):
        assert text in line


@pytest.mark.parametrize("graphs", [True, False])
def test_so_many_steps_are_timed_and_a_few_are_marked(graphs):
    timing = time_steps(step_of(mini(1, 2)), 2, graphs=graphs)
    assert len(timing.seconds) == 2
    assert all(each > 0 for each in timing.seconds)
    assert sum(timing.seconds) <= timing.wall
    assert timing.medians.keys() == {"attention", "feed_forward", "other", "out", "back", "wait"}


def test_a_step_runs_for_a_while_before_it_is_timed():
    step = step_of(mini(1, 2))
    began = time.perf_counter()
    timing = time_steps(step, 2, warm_up=0.5)
    assert time.perf_counter() - began - timing.wall > 0.5
    assert len(timing.seconds) == 2


def test_a_run_whose_experts_lacked_room_is_void():
    step = step_of(mini(1, 2))

    def full():
        raise RuntimeError("an expert had 99 tokens")

    step.ffn[1].check_capacity = full
    with pytest.raises(RuntimeError, match="99 tokens"):
        time_steps(step, 1)
