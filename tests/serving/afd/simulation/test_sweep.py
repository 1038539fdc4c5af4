import pytest

from regard.serving.afd.simulation.options import SimulateOptions
from regard.serving.afd.simulation.stage_time import SimulationError
from regard.serving.afd.simulation.sweep import swept


def test_without_a_sweep_there_is_one_point() -> None:
    options = SimulateOptions()
    assert swept(options) == [({}, options)]


def test_several_sweeps_make_all_combinations() -> None:
    points = swept(SimulateOptions(sweep=("microbatches=1,2", "link-us=0,90.5")))
    assert [values for values, _ in points] == [
        {"microbatches": 1, "link_us": 0.0},
        {"microbatches": 1, "link_us": 90.5},
        {"microbatches": 2, "link_us": 0.0},
        {"microbatches": 2, "link_us": 90.5},
    ]
    assert points[-1][1].microbatches == 2
    assert points[-1][1].link_us == 90.5


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("microbatches", "NAME=VALUE"),
        ("preset=step3-2a2f-4k", "NAME is one of attention, "),
        ("nothing=1", "NAME is one of"),
        ("microbatches=1,two", "no list of int"),
        ("link_us=", "no list of float"),
    ],
)
def test_a_sweep_of_another_form_is_refused(text: str, named: str) -> None:
    with pytest.raises(SimulationError, match=named):
        swept(SimulateOptions(sweep=(text,)))
