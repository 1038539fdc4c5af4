import json
from pathlib import Path

import pytest

from regard.serving.afd.trace import NO_LAYER, NO_MICROBATCH, Span, TraceError
from regard.serving.afd.trace_file import TraceInfo, read_trace, write_trace
from tests.serving.afd.trace_rules import broken_rules

INFO = TraceInfo(
    source="run", num_attention=2, num_ffn=1, num_layers=1, num_microbatches=1, notes="tiny"
)
# perf_counter_ns of a host that has been up for 100 days.
BEGIN = 8_640_000_123_456_789


def _spans() -> list[Span]:
    """Two attention instances whose rows one FFN instance computes together."""
    spans = []
    for i, late in ((0, 0), (1, 7)):
        attention = f"attention{i}"
        for worker, stage, start, end, peer in (
            (attention, "attention", 0 + late, 240 + late, ""),
            (attention, "send", 240 + late, 243 + late, "ffn0"),
            ("ffn0", "receive", 300 + late, 300 + late, attention),
            ("ffn0", "feed_forward", 307, 500, attention),
            ("ffn0", "send", 500 + late, 507 + late, attention),
            (attention, "receive", 560 + late, 560 + late, "ffn0"),
            (attention, "wait", 243 + late, 560 + late, ""),
        ):
            spans.append(Span(worker, stage, 0, 0, 0, 4, BEGIN + start, BEGIN + end, peer))
        step = (0, NO_LAYER, NO_MICROBATCH, 4)
        spans.append(Span(attention, "other", *step, BEGIN + 560 + late, BEGIN + 600 + late))
    return spans


def _document(tmp_path: Path) -> dict:
    write_trace(tmp_path / "trace.json", _spans(), INFO)
    return json.loads((tmp_path / "trace.json").read_text())


def test_what_is_written_is_read_back_to_the_nanosecond(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    write_trace(path, _spans(), INFO)
    trace = read_trace(path)
    assert trace.info == INFO
    assert sorted(trace.spans) == sorted(_spans())
    assert [span.start_ns for span in trace.spans] == sorted(span.start_ns for span in _spans())
    assert trace.info.topology == "2A1F"


def test_the_file_keeps_the_rules_of_the_format(tmp_path: Path) -> None:
    assert broken_rules(_document(tmp_path)) == []


def test_processes_are_workers_and_threads_are_stages(tmp_path: Path) -> None:
    events = _document(tmp_path)["traceEvents"]
    processes = {e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert processes == {"attention0", "attention1", "ffn0"}
    threads = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert threads == {"attention", "feed_forward", "send", "receive", "wait", "other"}
    names = {e["name"] for e in events if e["ph"] == "X"}
    assert names == {"mb 0 layer 0", "step 0"}


def test_an_arrow_leads_from_send_over_feed_forward_to_the_end_of_the_wait(tmp_path: Path) -> None:
    events = _document(tmp_path)["traceEvents"]
    arrows = sorted(
        ((e["id"], e["ts"], e["ph"]) for e in events if e["ph"] in "stf"), key=lambda each: each
    )
    assert arrows == [
        (1, 0.240, "s"),
        (1, 0.307, "t"),
        (1, 0.559, "f"),
        (2, 0.247, "s"),
        (2, 0.307, "t"),
        (2, 0.566, "f"),
    ]


def test_a_message_on_its_way_is_an_asynchronous_slice(tmp_path: Path) -> None:
    events = [e for e in _document(tmp_path)["traceEvents"] if e["ph"] in "be"]
    ways = [
        (b["name"], round(1000 * (e["ts"] - b["ts"])))
        for b, e in zip(events[::2], events[1::2], strict=True)
    ]
    assert sorted(ways) == [("to attention0", 60), ("to attention1", 60)] + [("to ffn0", 60)] * 2


def test_a_trace_without_spans_is_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    write_trace(path, [], INFO)
    assert read_trace(path).spans == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"otherData": {"format": "another"}, "traceEvents": []}'],
)
def test_another_file_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(TraceError, match=r"other\.json"):
        read_trace(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document["otherData"].pop("num_layers"),
        lambda document: document["traceEvents"].append({"ph": "X"}),
        lambda document: document.pop("traceEvents"),
        lambda document: document["traceEvents"][-1].update(ph="X", args={}),
    ],
    ids=["header", "event", "no events", "args"],
)
def test_a_damaged_trace_is_refused_by_name(damage, tmp_path: Path) -> None:
    document = _document(tmp_path)
    damage(document)
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(document))
    with pytest.raises(TraceError, match=r"damaged\.json"):
        read_trace(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="absent"):
        write_trace(tmp_path / "absent" / "trace.json", _spans(), INFO)


def test_the_rules_find_an_overlap_and_a_lost_arrow(tmp_path: Path) -> None:
    document = _document(tmp_path)
    for event in document["traceEvents"]:
        if event["ph"] == "X" and event["cat"] == "send":
            event["dur"] += 0.001
    assert any("overlap" in each for each in broken_rules(document))
    document = _document(tmp_path)
    document["traceEvents"] = [e for e in document["traceEvents"] if e["ph"] != "s"]
    assert any("before it begins" in each for each in broken_rules(document))
