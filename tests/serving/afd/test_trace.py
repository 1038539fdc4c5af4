import threading
import time
from pathlib import Path

import pytest

from regard.serving.afd.trace import (
    Recorder,
    Span,
    TraceError,
    clock_offset_ns,
    read_spill,
    timed,
    write_spill,
)


def _span(step: int = 0, start_ns: int = 0) -> Span:
    return Span("ffn0", "feed_forward", step, 3, 1, 7, start_ns, start_ns + 5, "attention1")


def test_a_recorder_gives_back_what_it_was_given() -> None:
    recorder = Recorder("ffn0")
    recorder.add("feed_forward", 2, 3, 1, 7, 100, 105, "attention1")
    assert recorder.spans() == [_span(step=2, start_ns=100)]
    assert recorder.spans()[0].duration_ns == 5


def test_the_offset_moves_every_time() -> None:
    recorder = Recorder("ffn0", offset_ns=-40)
    recorder.add("feed_forward", 0, 3, 1, 7, 100, 105, "attention1")
    assert recorder.spans() == [_span(start_ns=60)]


def test_memory_is_bounded_and_whole_steps_go() -> None:
    recorder = Recorder("attention0", max_spans=100)
    for step in range(50):
        for layer in range(10):
            recorder.add("attention", step, layer, 0, 1, 0, 1)
            assert len(recorder.spans()) <= 100
    kept = [span.step for span in recorder.spans()]
    first = kept[0]
    assert kept == [step for step in range(first, 50) for _ in range(10)]
    assert recorder.num_dropped_steps == first > 0


def test_threads_lose_nothing_while_old_steps_are_dropped() -> None:
    recorder = Recorder("ffn0", max_spans=4000)

    def add(peer: str) -> None:
        for number in range(5000):
            recorder.add("receive", number // 100, number, 0, 1, 0, 0, peer)

    threads = [threading.Thread(target=add, args=(f"attention{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for peer in ("attention0", "attention1", "attention2"):
        layers = [span.layer for span in recorder.spans() if span.peer == peer]
        assert layers == sorted(set(layers))


def test_a_timed_block_is_one_span_around_it() -> None:
    recorder = Recorder("attention0")
    before = time.perf_counter_ns()
    with timed(recorder, "other", 4, -1, -1, 2):
        inside = time.perf_counter_ns()
    (span,) = recorder.spans()
    assert span[:6] == ("attention0", "other", 4, -1, -1, 2)
    assert before <= span.start_ns <= inside <= span.end_ns <= time.perf_counter_ns()


def test_a_timed_block_that_fails_is_recorded_and_raises() -> None:
    recorder = Recorder("attention0")
    with pytest.raises(ZeroDivisionError), timed(recorder, "other", 0, -1, -1, 2):
        raise ZeroDivisionError
    assert len(recorder.spans()) == 1


def test_without_a_recorder_nothing_is_timed() -> None:
    with timed(None, "attention", 0, 0, 0, 1):
        pass


def test_the_offset_comes_from_the_shortest_round_trip() -> None:
    # The other clock is 1000 behind; the slow probe would say 1040.
    assert clock_offset_ns([(0, -960, 80), (100, -895, 110)]) == 1000


def test_an_offset_needs_a_probe() -> None:
    with pytest.raises(ValueError, match="probe"):
        clock_offset_ns([])


def test_a_spill_is_read_back_and_can_be_continued(tmp_path: Path) -> None:
    path = tmp_path / "ffn0.jsonl"
    recorder = Recorder("ffn0", max_spans=2)
    for step in range(4):
        recorder.add("feed_forward", step, 3, 1, 7, 0, 5, "attention1")
    dropped = recorder.num_dropped_steps
    recorder.spill(path)
    assert recorder.spans() == []
    recorder.add("feed_forward", 9, 3, 1, 7, 0, 5, "attention1")
    recorder.spill(path)
    spill = read_spill(path)
    assert spill.spans == [_span(step) for step in (*range(dropped, 4), 9)]
    assert spill.num_dropped_steps == dropped > 0


def test_a_line_cut_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "ffn0.jsonl"
    write_spill(path, [_span(0), _span(1)])
    path.write_text(path.read_text()[:-9])
    assert read_spill(path).spans == [_span(0)]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[1, 2]",
        '["ffn0", "feed_forward", 0, 3, 1, 7, 0.5, 5, ""]',
        '["ffn0", "lunch", 0, 3, 1, 7, 0, 5, ""]',
        '["ffn0", "feed_forward", 0, 3, 1, 7, 6, 5, ""]',
        '{"other": 1}',
        "7",
    ],
)
def test_a_wrong_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "ffn0.jsonl"
    write_spill(path, [_span()])
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(TraceError, match=r"ffn0\.jsonl:2: "):
        read_spill(path)


def test_a_missing_spill_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"none\.jsonl"):
        read_spill(tmp_path / "none.jsonl")


def test_too_small_a_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="max_spans"):
        Recorder("ffn0", max_spans=1)
