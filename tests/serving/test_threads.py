import pytest

from regard.serving.threads import allowed_cpus, choose_num_threads


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
