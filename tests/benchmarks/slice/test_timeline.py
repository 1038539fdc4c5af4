import numpy as np
import pytest

from benchmarks.serving.slice import timeline
from benchmarks.serving.slice.timeline import Span

COUNT, LAYERS = 2, 3
A, WIRE, F, BACK = 100, 20, 150, 30
"""Microseconds of each lane: the FFN GPU binds."""
OFFSET = 7_000_000.0


def stamps():
    """A step of three layers and two micro-batches, by the rules of the pipeline."""
    out, back = np.zeros((6, 3), np.int64), np.zeros((6, 3), np.int64)
    attention = ffn = 0
    for number in range(COUNT * LAYERS):
        returned = back[number - COUNT, 2] if number >= COUNT else 0
        attention = max(attention, returned) + A
        out[number] = (attention, attention, attention + WIRE)
        ffn = max(ffn, attention + WIRE) + F
        back[number] = (ffn, ffn, ffn + BACK)
    return 1000 * out + 5_000, (1000 * back + 5_000 + OFFSET).astype(np.int64)


def test_spans_follow_from_stamps_of_two_clocks():
    out, back = stamps()
    found = timeline.spans(out, back, COUNT, OFFSET)
    for lane, duration in zip(timeline.LANES, (A, WIRE, F, BACK), strict=True):
        durations = {each.duration for each in found if each.lane == lane}
        assert durations == {duration}
    assert len(found) == 4 * COUNT * LAYERS - 1
    second = next(
        each for each in found if each.lane == "FFN" and (each.layer, each.index) == (1, 0)
    )
    assert (second.begin, second.end) == (320, 470)


def test_shares_say_which_lane_binds():
    found = timeline.spans(*stamps(), COUNT, OFFSET)
    lanes = timeline.busy(found, range(1, 3))
    assert lanes["FFN"]["share"] == pytest.approx(1)
    assert lanes["FFN"]["median_us"] == F
    assert lanes["attention"]["share"] < 0.8
    assert timeline.describe(lanes).count("\n") == 3


def test_clocks_are_compared_where_the_host_waited_least():
    samples = [(0, 1_000, 500), (1_000, 5_060, 1_100), (2_000, 9_000, 3_000)]
    assert timeline.clock_offset(samples) == (4_010, 50)


def test_a_picture_shows_each_lane_and_layer(tmp_path):
    found = timeline.spans(*stamps(), COUNT, OFFSET)
    path = tmp_path / "stages.svg"
    timeline.draw(found, range(1, 3), path)
    text = path.read_text()
    assert all(f">{lane}<" in text for lane in timeline.LANES)
    assert ">2<" in text


def test_a_span_knows_its_duration():
    assert Span("FFN", 0, 0, 2.0, 5.5).duration == 3.5
