import pytest

from regard.serving.afd.handling import handling_ns
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_messages import messages_of

# Both ways the link takes 5 ns to whoever is idle; attention sends two micro-batches.
KEY = (0, 0)


def _span(worker, stage, microbatch, start_ns, end_ns, peer=""):
    return Span(worker, stage, *KEY, microbatch, 4, start_ns, end_ns, peer)


def _spans(*, second_sent_ns: int = 20) -> list[Span]:
    return [
        _span("attention0", "attention", 0, 0, 10),
        _span("attention0", "send", 0, 10, 11),
        _span("ffn0", "receive", 0, 15, 15, "attention0"),
        _span("ffn0", "feed_forward", 0, 18, 50, "attention0"),
        _span("attention0", "send", 1, second_sent_ns, second_sent_ns + 1),
        _span("ffn0", "receive", 1, 55, 55, "attention0"),
        _span("ffn0", "feed_forward", 1, 57, 90, "attention0"),
        _span("attention0", "receive", 0, 55, 55, "ffn0"),
        _span("attention0", "attention", 9, 56, 70),
        _span("attention0", "wait", 0, 70, 73),
        _span("attention0", "receive", 1, 95, 95, "ffn0"),
        _span("attention0", "wait", 1, 80, 97),
    ]


def test_it_is_what_passes_before_a_message_that_is_there_is_used():
    spans = _spans()
    # 50 to 57 at the FFN instance; at attention the wait that had nothing to wait for.
    assert handling_ns(spans, messages_of(spans)) == {"out": 7, "back": 3}


@pytest.mark.parametrize(("sent_ns", "expected"), [(45, 7), (46, 0)])
def test_a_message_that_may_still_have_been_under_way_shows_nothing(sent_ns, expected):
    spans = _spans(second_sent_ns=sent_ns)
    assert handling_ns(spans, messages_of(spans))["out"] == expected


def test_without_messages_it_is_nothing():
    assert handling_ns([], []) == {"out": 0, "back": 0}
