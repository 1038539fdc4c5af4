"""What each worker did when: spans, and the recorder that keeps them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, get_args

from regard.serving.errors import ServingError

Stage = Literal["attention", "feed_forward", "send", "receive", "wait", "other"]
STAGES: tuple[Stage, ...] = get_args(Stage)
WORK: tuple[Stage, ...] = ("attention", "feed_forward", "send", "other")
"""Stages in which a worker looks for no message."""

DEFAULT_MAX_SPANS = 1_000_000
NS_PER_US = 1000
NO_LAYER = -1
NO_MICROBATCH = -1


class TraceError(ServingError):
    """A trace that cannot be read or does not hold what is asked of it."""


class Span(NamedTuple):
    """One stage of one micro-batch of one layer on one worker."""

    worker: str
    """Who did it, `attention0` or `ffn1`."""
    stage: Stage
    """`attention` and `feed_forward` compute; `send` begins when the rows are handed to the link
    and ends when the caller may go on; `receive` is the moment (start = end) at which a message
    became visible to its receiver; `wait` is an attention instance waiting for results; `other` is
    embedding, head and sampling."""
    step: int
    """The attention instance's step, counted from 0."""
    layer: int
    """The layer; of a wait, the one whose results are waited for; `NO_LAYER` outside the layers."""
    microbatch: int
    """The micro-batch of the attention instance; `NO_MICROBATCH` for all of them together."""
    rows: int
    """Rows of the micro-batch."""
    start_ns: int
    """Nanoseconds of the trace's clock."""
    end_ns: int
    """Nanoseconds of the trace's clock, not before the start."""
    peer: str = ""
    """The other side: the receiver of a send, the sender of a receive, the attention instance whose
    rows a feed-forward computes (messages computed together are spans with the same times). Empty
    where there is only one, or where all are meant."""

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return self.end_ns - self.start_ns


class Recorder:
    """Keeps one worker's spans in memory; where nothing is traced there is None instead of it.

    Threads of the worker may share it.
    """

    def __init__(
        self, worker: str, *, max_spans: int = DEFAULT_MAX_SPANS, offset_ns: int = 0
    ) -> None:
        """Makes an empty recorder.

        Args:
            worker: The worker's name in every span.
            max_spans: Above this many the older half goes, in whole steps.
            offset_ns: Added to every time when the spans are read; see `clock_offset_ns`.

        Raises:
            ValueError: Fewer than two spans are allowed.
        """
        if max_spans < 2:
            raise ValueError(f"max_spans is {max_spans}: at least 2 are needed")
        self.worker = worker
        self.offset_ns = offset_ns
        self.num_dropped_steps = 0
        self._max_spans = max_spans
        self._kept: list[tuple[Stage, int, int, int, int, int, int, str]] = []
        self._lock = threading.Lock()

    # CLOCK_MONOTONIC on Linux: processes of one host share it.
    now = staticmethod(time.perf_counter_ns)

    def add(
        self,
        stage: Stage,
        step: int,
        layer: int,
        microbatch: int,
        rows: int,
        start_ns: int,
        end_ns: int,
        peer: str = "",
    ) -> None:
        """Keeps one span; positional because it stands in the decode loop."""
        self._kept.append((stage, step, layer, microbatch, rows, start_ns, end_ns, peer))
        if len(self._kept) > self._max_spans:
            self._drop_oldest_steps()

    def _drop_oldest_steps(self) -> None:
        with self._lock:
            length = len(self._kept)
            if length <= self._max_spans:
                return
            dropped = {each[1] for each in self._kept[: length // 2]}
            # One slice assignment: what other threads append meanwhile stays.
            self._kept[:length] = [each for each in self._kept[:length] if each[1] not in dropped]
            self.num_dropped_steps += len(dropped)

    def spans(self) -> list[Span]:
        """What is kept, oldest first, in the trace's clock."""
        shift = self.offset_ns
        return [
            Span(self.worker, *each[:5], each[5] + shift, each[6] + shift, each[7])
            for each in list(self._kept)
        ]

    def clear(self) -> None:
        """Forgets all spans, and that any were dropped."""
        with self._lock:
            self._kept.clear()
            self.num_dropped_steps = 0

    def spill(self, path: Path) -> None:
        """Appends the spans to a JSON-lines file and forgets them; `read_spill` reads it."""
        with self._lock:
            length = len(self._kept)
            spans = self.spans()[:length]
            write_spill(path, spans, num_dropped_steps=self.num_dropped_steps)
            del self._kept[:length]
            self.num_dropped_steps = 0


class _Timed:
    """Records a span around a block."""

    __slots__ = ("_key", "_recorder", "_start_ns")

    def __init__(self, recorder: Recorder, key: tuple[Stage, int, int, int, int]) -> None:
        self._recorder = recorder
        self._key = key

    def __enter__(self) -> None:
        self._start_ns = time.perf_counter_ns()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._recorder.add(*self._key, self._start_ns, time.perf_counter_ns())


_NOTHING = nullcontext()


def timed(
    recorder: Recorder | None, stage: Stage, step: int, layer: int, microbatch: int, rows: int
) -> AbstractContextManager[None]:
    """Times a block of host code as one span; does nothing without a recorder."""
    if recorder is None:
        return _NOTHING
    return _Timed(recorder, (stage, step, layer, microbatch, rows))


def clock_offset_ns(probes: Sequence[tuple[int, int, int]]) -> int:
    """What to add to another host's clock to get ours, from round trips.

    The probe with the shortest round trip is taken, its answer being assumed half-way (Cristian's
    algorithm), so the error is at most half of that round trip.

    Args:
        probes: Our clock when asking, the other's when it answered, ours when the answer came.

    Raises:
        ValueError: There is no probe.
    """
    if not probes:
        raise ValueError("no probe: ask the other clock at least once")
    asked, answered, came = min(probes, key=lambda probe: probe[2] - probe[0])
    return (asked + came) // 2 - answered


class Spill(NamedTuple):
    """What a worker handed over."""

    spans: list[Span]
    """In the order in which they were recorded."""
    num_dropped_steps: int
    """Steps that the worker's recorder had no room for."""


def write_spill(path: Path, spans: Iterable[Span], *, num_dropped_steps: int = 0) -> None:
    """Appends spans to a JSON-lines file, a JSON array a span."""
    with path.open("a", encoding="utf-8") as file:
        if num_dropped_steps:
            file.write(json.dumps({"num_dropped_steps": num_dropped_steps}) + "\n")
        file.writelines(json.dumps(list(span)) + "\n" for span in spans)


def read_spill(path: Path) -> Spill:
    """Reads a spill; a last line that a killed worker left unfinished is passed over.

    Raises:
        TraceError: The file cannot be read, or a finished line is no span.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: {error}") from None
    spans: list[Span] = []
    num_dropped_steps = 0
    for number, line in enumerate(text[: text.rfind("\n") + 1].splitlines(), start=1):
        try:
            data = json.loads(line)
            if isinstance(data, dict):
                num_dropped_steps += int(data["num_dropped_steps"])
            else:
                spans.append(checked_span(data))
        except (ValueError, TypeError, KeyError) as error:
            raise TraceError(f"{path}:{number}: not a span: {error}") from None
    return Spill(spans, num_dropped_steps)


def kind_and_number(worker: str) -> tuple[str, int]:
    """`ffn` and 1 of `ffn1`; a name without a number has 0."""
    kind = worker.rstrip("0123456789")
    return kind, int(worker.removeprefix(kind) or 0)


def checked_span(fields: Sequence[object]) -> Span:
    """A span from a reader's fields.

    Raises:
        ValueError: A field is missing, of the wrong type, or the end lies before the start.
    """
    expected = (str, str, int, int, int, int, int, int, str)
    if len(fields) != len(expected) or any(
        type(value) is not kind for value, kind in zip(fields, expected, strict=True)
    ):
        raise ValueError(f"got {list(fields)!r}, expected {', '.join(Span._fields)}")
    span = Span(*fields)  # type: ignore[arg-type]
    if span.stage not in STAGES:
        raise ValueError(f"stage {span.stage!r} is none of {', '.join(STAGES)}")
    if span.end_ns < span.start_ns:
        raise ValueError(f"it ends at {span.end_ns}, before its start at {span.start_ns}")
    return span
