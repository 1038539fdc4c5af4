import time
from functools import partial

from regard.serving.afd.topology import Topology
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_collector import TraceCollector
from regard.serving.afd.trace_file import read_trace


def span(worker, start):
    return Span(worker, "attention", 1, 0, 0, 4, start, start + 10)


def record(questions, *, kind, asked):
    assert kind == "clock"
    questions.append(asked)
    return True


def test_spans_of_another_host_s_clock_are_brought_to_ours(tmp_path):
    collector = TraceCollector(Topology(1, 1), num_layers=2, num_microbatches=1)
    here, far = time.perf_counter_ns(), 5_000_000_000_000
    for place, shift in (("attention0", 0), ("ffn0", far)):
        questions = []
        collector.ask_for_the_time(partial(record, questions))
        for asked in questions:
            collector.take(place, {"kind": "clock", "asked": asked, "answered": asked + shift})
        spans = [list(span(place, here + shift))]
        collector.take(place, {"kind": "spans", "spans": spans, "num_dropped_steps": 2})
    collector.write(tmp_path / "t.json", "a note")
    trace = read_trace(tmp_path / "t.json")
    assert trace.info.num_dropped_steps == 4
    starts = {each.worker: each.start_ns for each in trace.spans}
    assert abs(starts["attention0"] - starts["ffn0"]) < 1_000_000
