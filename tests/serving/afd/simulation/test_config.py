import pytest

from regard.serving.afd.simulation.config import Straggler
from regard.serving.afd.simulation.stage_time import SimulationError
from tests.serving.afd.simulation.configs import small_config


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_attention": 0}, "num_attention is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"num_microbatches": 5}, "5 micro-batches"),
        ({"seed": -1}, "seed -1"),
        ({"stagger_us": -1.0}, "stagger -1"),
        ({"stragglers": (Straggler("ffn", 1, 2.0),)}, "ffn1: there are 1"),
        ({"stragglers": (Straggler("attention", 0, 0.0),)}, "factor 0"),
    ],
)
def test_what_cannot_be_is_named(changes: dict, named: str) -> None:
    with pytest.raises(SimulationError, match=named):
        small_config(**changes)


def test_slow_factors_multiply_and_leave_others_alone() -> None:
    slow = (Straggler("ffn", 0, 2.0), Straggler("ffn", 0, 1.5))
    config = small_config(stragglers=slow)
    assert config.slow_factor("ffn", 0) == 3
    assert config.slow_factor("attention", 0) == 1
