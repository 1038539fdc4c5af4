"""The messages between attention and FFN instances, put together from both sides' spans."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from regard.serving.afd.trace import WORK, Span, kind_and_number

Direction = Literal["out", "back"]


class Message(NamedTuple):
    """Rows of one micro-batch of one layer on their way to the other side."""

    direction: Direction
    """`out` from attention to FFN, `back` from FFN to attention."""
    send: Span
    """The sender's span."""
    receive: Span | None
    """When the receiver saw it, where that was recorded."""
    use: Span | None
    """The receiver's feed-forward or wait, where it was recorded."""
    receiver: str
    """The receiving worker."""
    is_late: bool = False
    """Whether the receiver was busy after the sending began, and looked only then: the message may
    have been there before."""

    @property
    def seen_ns(self) -> int | None:
        """From handing over to being seen; None where the receiver did not record it."""
        return None if self.receive is None else self.receive.end_ns - self.send.start_ns

    @property
    def link_ns(self) -> int | None:
        """What the link took: `seen_ns` where the receiver had nothing else to do."""
        return None if self.is_late else self.seen_ns


def workers_of(spans: Iterable[Span]) -> tuple[list[str], list[str]]:
    """The attention instances and the FFN instances of a trace, in the order of their numbers."""
    attention, ffn = set(), set()
    for span in spans:
        if span.stage == "attention":
            attention.add(span.worker)
        elif span.stage == "feed_forward":
            ffn.add(span.worker)
    return sorted(attention, key=kind_and_number), sorted(ffn, key=kind_and_number)


def messages_of(spans: Sequence[Span]) -> list[Message]:
    """All messages, in the order of the sends.

    Results of an FFN instance that records no sends count as sent when it has computed them.
    """
    attention, ffn = workers_of(spans)
    others = dict.fromkeys(attention, ffn) | dict.fromkeys(ffn, attention)
    uses: dict[tuple[str, str, int, int, int], Span] = {}
    receives: dict[tuple[str, str, int, int, int], Span] = {}
    for span in spans:
        if span.stage in ("feed_forward", "wait", "receive"):
            index = receives if span.stage == "receive" else uses
            for peer in _peers(span, others.get(span.worker, [])):
                index[(span.worker, peer, *span[2:5])] = span
    busy_until = _ends_of_work(spans)
    messages = []
    for span in _sends(spans):
        for receiver in _peers(span, others.get(span.worker, [])):
            key = (receiver, span.worker, *span[2:5])
            direction: Direction = "out" if receiver in ffn else "back"
            seen = receives.get(key)
            is_late = seen is not None and _any_between(
                busy_until[receiver], span.start_ns, seen.end_ns
            )
            messages.append(Message(direction, span, seen, uses.get(key), receiver, is_late))
    return messages


def _ends_of_work(spans: Sequence[Span]) -> dict[str, list[int]]:
    """When each worker was done with something, in order."""
    ends: dict[str, list[int]] = defaultdict(list)
    for span in spans:
        if span.stage in WORK:
            ends[span.worker].append(span.end_ns)
    return defaultdict(list, {worker: sorted(each) for worker, each in ends.items()})


def _any_between(moments: Sequence[int], after_ns: int, until_ns: int) -> bool:
    first = bisect_right(moments, after_ns)
    return first < len(moments) and moments[first] <= until_ns


def _sends(spans: Sequence[Span]) -> list[Span]:
    recorded = [span for span in spans if span.stage == "send"]
    senders = {span.worker for span in recorded}
    implied = [
        span._replace(stage="send", start_ns=span.end_ns)
        for span in spans
        if span.stage == "feed_forward" and span.worker not in senders
    ]
    return sorted([*recorded, *implied], key=lambda span: span.start_ns)


def _peers(span: Span, others: list[str]) -> list[str]:
    return [span.peer] if span.peer else others
