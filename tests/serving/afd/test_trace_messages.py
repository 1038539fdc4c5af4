from regard.serving.afd.trace import Span
from regard.serving.afd.trace_messages import Message, messages_of, workers_of


def _span(worker: str, stage: str, start_ns: int, peer: str = "", layer: int = 0) -> Span:
    return Span(worker, stage, 0, layer, 0, 4, start_ns, start_ns + 10, peer)


def _out(spans: list[Span]) -> list[Message]:
    return [message for message in messages_of(spans) if message.direction == "out"]


def test_workers_come_in_the_order_of_their_numbers() -> None:
    spans = [_span(f"attention{i}", "attention", 0) for i in (10, 2, 0)]
    spans += [_span("ffn1", "feed_forward", 0), _span("frontend", "other", 0)]
    assert workers_of(spans) == (["attention0", "attention2", "attention10"], ["ffn1"])


def test_a_message_joins_both_sides() -> None:
    send = _span("attention0", "send", 10, "ffn0")
    receive = _span("ffn0", "receive", 30, "attention0")._replace(end_ns=30)
    use = _span("ffn0", "feed_forward", 35, "attention0")
    (message,) = _out([_span("attention0", "attention", 0), send, receive, use])
    assert message == ("out", send, receive, use, "ffn0", False)
    assert message.link_ns == 20


def test_a_send_to_all_is_a_message_to_each() -> None:
    spans = [_span("attention0", "attention", 0), _span("attention0", "send", 10)]
    uses = [_span(f"ffn{i}", "feed_forward", 35, "attention0") for i in (0, 1)]
    messages = _out([*spans, *uses])
    assert [message.receiver for message in messages] == ["ffn0", "ffn1"]
    assert [message.use for message in messages] == uses
    assert messages[0].link_ns is None


def test_results_go_back_to_the_instance_that_waits() -> None:
    spans = [_span(f"attention{i}", "attention", 0) for i in (0, 1)]
    spans += [_span("ffn0", "feed_forward", 20, "attention1")]
    waits = [_span(f"attention{i}", "wait", 40) for i in (0, 1)]
    (message,) = messages_of([*spans, *waits, _span("ffn0", "send", 30, "attention1")])
    assert message.direction == "back"
    assert message.use == waits[1]


def test_another_layer_is_another_message() -> None:
    spans = [_span("attention0", "attention", 0), _span("attention0", "send", 10, layer=1)]
    (message,) = _out([*spans, _span("ffn0", "feed_forward", 20, layer=0)])
    assert message.use is None


def test_results_whose_sending_was_not_recorded_leave_when_they_are_computed() -> None:
    spans = [_span("attention0", "attention", 0), _span("ffn0", "feed_forward", 20)]
    receive = _span("attention0", "receive", 47, "ffn0")._replace(end_ns=47)
    (message,) = messages_of([*spans, receive])
    assert message.direction == "back"
    assert message.link_ns == 17


def test_a_receiver_that_was_busy_does_not_show_what_the_link_took() -> None:
    send = _span("attention0", "send", 10, "ffn0")
    receive = _span("ffn0", "receive", 60, "attention0")._replace(end_ns=60)
    spans = [_span("attention0", "attention", 0), send, receive]
    for begun, is_late in ((-20, False), (20, True), (60, False)):
        # Done before the sending, between sending and receiving, and not yet.
        busy = _span("ffn0", "feed_forward", begun, "attention0", layer=7)
        (message,) = [each for each in _out([*spans, busy]) if each.receive]
        assert message.is_late == is_late
        assert message.link_ns == (None if is_late else 50)
        assert message.seen_ns == 50
