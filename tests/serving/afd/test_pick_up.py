from regard.serving.afd.pick_up import pick_ups_ns
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_messages import Message


def _message(direction: str, seen: int, start: int, end: int, sender: str = "a") -> Message:
    receiver = "ffn0" if direction == "out" else "attention0"
    stage = "feed_forward" if direction == "out" else "wait"
    send = Span(sender, "send", 0, 0, 0, 4, 0, 1, receiver)
    receive = Span(receiver, "receive", 0, 0, 0, 4, seen, seen, sender)
    use = Span(receiver, stage, 0, 0, 0, 4, start, end, sender)  # type: ignore[arg-type]
    return Message(direction, send, receive, use, receiver)  # type: ignore[arg-type]


def test_an_idle_ffn_instance_shows_what_it_needs_to_begin() -> None:
    assert pick_ups_ns([_message("out", 10, 15, 30), _message("out", 40, 47, 60)]) == [5, 7]


def test_a_busy_ffn_instance_shows_nothing() -> None:
    assert pick_ups_ns([_message("out", 10, 15, 30), _message("out", 20, 31, 60)]) == [5, None]


def test_of_messages_computed_together_the_last_counts() -> None:
    together = [_message("out", 10, 25, 30, "a"), _message("out", 20, 25, 30, "b")]
    assert pick_ups_ns(together) == [None, 5]


def test_a_waiting_attention_instance_goes_on_after_the_last_result() -> None:
    results = [_message("back", 10, 5, 33, "ffn0"), _message("back", 30, 5, 33, "ffn1")]
    assert pick_ups_ns(results) == [None, 3]


def test_results_that_came_before_the_wait_show_nothing() -> None:
    assert pick_ups_ns([_message("back", 10, 12, 13)]) == [None]


def test_what_was_not_recorded_shows_nothing() -> None:
    message = _message("out", 10, 15, 30)
    assert pick_ups_ns([message._replace(receive=None), message._replace(use=None)]) == [None] * 2
