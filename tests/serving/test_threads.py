import pytest

from regard.serving.threads import AdaptiveThreads, allowed_cpus, choose_num_threads


@pytest.mark.parametrize(
    ("requested", "cpus", "load", "expected"),
    [
        (3, 8, 0.0, 3),
        (0, 8, 0.2, 8),
        (0, 8, 3.4, 5),
        (0, 8, 30.0, 4),
        (0, 2, 2.0, 2),
        (0, 1, 5.0, 1),
    ],
)
def test_busy_cores_are_left_out_up_to_half(requested, cpus, load, expected):
    assert choose_num_threads(requested, cpus=cpus, load=load) == expected


def test_at_least_one_cpu_is_allowed():
    assert allowed_cpus() >= 1


def settle(threads: AdaptiveThreads, seconds: dict[int, float], steps: int) -> list[int]:
    """Threads used over some steps, when a step takes so long with each number."""
    used = []
    for _ in range(steps):
        used.append(threads.begin(rows=1))
        threads.end(1, seconds[used[-1]])
    return used


def test_one_thread_is_taken_while_the_cores_are_contended():
    threads = AdaptiveThreads(2)
    assert settle(threads, {1: 1.0, 2: 10.0}, 40)[-20:].count(1) >= 18
    assert settle(threads, {1: 1.0, 2: 0.6}, 600)[-20:].count(2) >= 18


def test_probing_becomes_rare():
    used = settle(AdaptiveThreads(4), {1: 2.0, 4: 1.0}, 1000)
    assert used.count(1) < 15


def test_one_core_is_never_probed():
    assert set(settle(AdaptiveThreads(1), {1: 1.0}, 50)) == {1}
