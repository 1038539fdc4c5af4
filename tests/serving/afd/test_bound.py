from dataclasses import replace

import pytest

from regard.serving.afd.bound import StepWork, find_bound

WORK = StepWork(
    step_us=1000,
    attention_us=900,
    ffn_us=300,
    trip_attention_us=300,
    trip_ffn_us=100,
    trip_link_us=200,
    num_microbatches=3,
)


def test_the_busiest_side_binds_and_the_reason_has_the_figures() -> None:
    bound = find_bound(WORK)
    assert (bound.resource, bound.is_latency) == ("attention", False)
    for figure in ("1.00 ms", "90 %", "30 %", "60 %"):
        assert figure in bound.reason
    assert find_bound(replace(WORK, ffn_us=950)).resource == "ffn"


@pytest.mark.parametrize("resource", ["attention", "ffn", "link"])
def test_a_trip_longer_than_any_work_names_its_longest_part(resource: str) -> None:
    parts = {"attention": 100.0, "ffn": 100.0, "link": 100.0} | {resource: 700.0}
    work = replace(
        WORK,
        attention_us=500,
        trip_attention_us=parts["attention"],
        trip_ffn_us=parts["ffn"],
        trip_link_us=parts["link"],
    )
    bound = find_bound(work)
    assert (bound.resource, bound.is_latency) == (resource, True)
    assert "more micro-batches" in bound.reason


def test_four_micro_batches_are_not_told_to_become_more() -> None:
    bound = find_bound(replace(WORK, trip_link_us=2000, num_microbatches=4))
    assert bound.is_latency
    assert "more micro-batches" not in bound.reason


def test_a_balanced_pipeline_is_not_called_short_of_micro_batches() -> None:
    assert not find_bound(replace(WORK, trip_link_us=510)).is_latency


def test_a_step_without_time_has_a_bound() -> None:
    assert find_bound(StepWork(**dict.fromkeys(WORK.__dataclass_fields__, 0))).reason
