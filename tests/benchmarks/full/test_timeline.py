from collections import Counter

import pytest

from benchmarks.serving.full.timeline import Timeline, stage_medians
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_file import TraceInfo, read_trace, write_trace
from tests.benchmarks.full.cases import mini, step_of


@pytest.fixture(scope="module")
def spans():
    step = step_of(mini(2, 3))
    step.run()
    step.machine.synchronize()
    return Timeline(step).record(2)


def test_every_stage_of_every_gpu_is_there(spans):
    stages, microbatches, steps = 2, 2, 2
    found = Counter((each.worker, each.stage) for each in spans)
    every = stages * microbatches * steps
    for index in range(2):
        assert found[f"attention{index}", "attention"] == every
        assert found[f"attention{index}", "send"] == every * 3
        assert found[f"attention{index}", "receive"] == every * 3
        assert found[f"attention{index}", "wait"] == every
        assert found[f"attention{index}", "other"] == microbatches * steps
    for index in range(3):
        assert found[f"ffn{index}", "feed_forward"] == every * 2
        assert found[f"ffn{index}", "receive"] == every * 2


def test_no_gpu_does_two_things_at_once_and_nothing_is_used_before_it_came(spans):
    work = [each for each in spans if each.stage in ("attention", "other")]
    for worker in ("attention0", "attention1"):
        own = sorted((e.start_ns, e.end_ns) for e in work if e.worker == worker)
        assert all(one[1] <= other[0] for one, other in zip(own, own[1:], strict=False))
    came = {}
    for each in spans:
        if each.stage == "receive" and each.worker.startswith("ffn"):
            key = (each.worker, *each[2:5])
            came[key] = max(came.get(key, 0), each.end_ns)
    for each in spans:
        if each.stage == "feed_forward":
            assert came[each.worker, *each[2:5]] <= each.start_ns


def test_the_trace_can_be_read_again(spans, tmp_path):
    info = TraceInfo(source="run", num_attention=2, num_ffn=3, num_layers=2, num_microbatches=2)
    write_trace(tmp_path / "trace.json", spans, info)
    assert len(read_trace(tmp_path / "trace.json").spans) == len(spans)


def test_medians_are_of_durations_and_of_ways():
    place = (0, 0, 0, 4)
    spans = [
        Span("attention0", "attention", *place, 0, 2000),
        Span("attention0", "send", *place, 2000, 2000, "ffn0"),
        Span("ffn0", "receive", *place, 5000, 5000, "attention0"),
        Span("ffn0", "feed_forward", *place, 5000, 9000, "attention0"),
        Span("ffn0", "send", *place, 9000, 9000, "attention0"),
        Span("attention0", "receive", *place, 14000, 14000, "ffn0"),
    ]
    assert stage_medians(spans) == {"attention": 2, "back": 5, "feed_forward": 4, "out": 3}
