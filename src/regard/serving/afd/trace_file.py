"""Traces as files that Perfetto and chrome://tracing open.

A process is a worker, a thread one of its stages. Arrows lead from a send to the feed-forward that
computes its rows and on to the end of the wait for their results; a message on its way is an
asynchronous slice. Both are put together from the spans and left out when a file is read.

Format: "Trace Event Format", the JSON object form (`X`, `i`, `b`, `e`, `s`, `t`, `f`, `M`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from regard.serving.afd.trace import (
    NO_LAYER,
    NO_MICROBATCH,
    NS_PER_US,
    STAGES,
    Span,
    TraceError,
    checked_span,
)
from regard.serving.afd.trace_messages import Message, messages_of, workers_of

FORMAT = "regard afd trace 1"


@dataclass(frozen=True, kw_only=True)
class TraceInfo:
    """What was traced."""

    source: Literal["run", "simulation"]
    """Whether processes ran or a simulation was made."""
    num_attention: int
    """Attention instances."""
    num_ffn: int
    """FFN instances."""
    num_layers: int
    """Layers of the model."""
    num_microbatches: int
    """Micro-batches of each attention instance."""
    num_dropped_steps: int = 0
    """Steps the recorders had no room for, all workers together."""
    notes: str = ""
    """Model, link, mode: whatever tells this trace from others."""

    @property
    def topology(self) -> str:
        """Short, `2A1F`."""
        return f"{self.num_attention}A{self.num_ffn}F"


class Trace(NamedTuple):
    """Spans of all workers in one clock."""

    info: TraceInfo
    """What was traced."""
    spans: list[Span]
    """All spans, by start."""


def write_trace(path: Path, spans: Sequence[Span], info: TraceInfo) -> None:
    """Writes a trace file.

    Raises:
        TraceError: The file cannot be written.
    """
    ordered = sorted(spans, key=_start)
    origin_ns = ordered[0].start_ns if ordered else 0
    header = {"format": FORMAT, "clock_origin_ns": origin_ns, **asdict(info)}
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write('{"displayTimeUnit": "ns",\n"otherData": ' + json.dumps(header))
            file.write(',\n"traceEvents": [')
            separator = "\n"
            for event in _events(ordered, origin_ns):
                file.write(separator + json.dumps(event, separators=(",", ":")))
                separator = ",\n"
            file.write("\n]}\n")
    except OSError as error:
        raise TraceError(f"{path}: {error}") from None


def _start(span: Span) -> int:
    return span.start_ns


def _events(spans: Sequence[Span], origin_ns: int) -> Iterator[dict[str, Any]]:
    attention, ffn = workers_of(spans)
    rest = sorted({span.worker for span in spans} - set(attention) - set(ffn))
    process_ids = {name: number for number, name in enumerate([*attention, *ffn, *rest], start=1)}
    yield from _names(spans, process_ids)
    messages = messages_of(spans)
    arrows = _arrows(messages)
    for span in spans:
        yield _slice(span, process_ids, origin_ns)
        # Perfetto binds an arrow to the slice last begun on its thread, so it follows that slice.
        for phase, flow_id in arrows.get(_identity(span), ()):
            yield _arrow(span, phase, flow_id, process_ids, origin_ns)
    for number, message in enumerate(messages):
        yield from _in_flight(message, number, process_ids, origin_ns)


def _names(spans: Sequence[Span], process_ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    for worker, pid in process_ids.items():
        yield _metadata("process_name", pid, None, name=worker)
        yield _metadata("process_sort_index", pid, None, sort_index=pid)
    for worker, stage in sorted({(span.worker, span.stage) for span in spans}):
        pid, tid = process_ids[worker], _thread_id(process_ids[worker], stage)
        yield _metadata("thread_name", pid, tid, name=stage)
        yield _metadata("thread_sort_index", pid, tid, sort_index=tid)


def _metadata(what: str, pid: int, tid: int | None, **arguments: str | int) -> dict[str, Any]:
    event: dict[str, Any] = {"ph": "M", "name": what, "pid": pid, "args": arguments}
    return event if tid is None else event | {"tid": tid}


def _thread_id(pid: int, stage: str) -> int:
    """Unique in the whole file, as thread ids are on one machine."""
    return pid * len(STAGES) + STAGES.index(stage)


def _slice(span: Span, process_ids: dict[str, int], origin_ns: int) -> dict[str, Any]:
    pid = process_ids[span.worker]
    event: dict[str, Any] = {
        "ph": "X",
        "name": _name(span),
        "cat": span.stage,
        "pid": pid,
        "tid": _thread_id(pid, span.stage),
        "ts": (span.start_ns - origin_ns) / NS_PER_US,
        "args": {
            "step": span.step,
            "layer": span.layer,
            "microbatch": span.microbatch,
            "rows": span.rows,
            "peer": span.peer,
        },
    }
    if span.stage == "receive":
        return event | {"ph": "i", "s": "t"}
    return event | {"dur": span.duration_ns / NS_PER_US}


def _name(span: Span) -> str:
    words = []
    if span.microbatch != NO_MICROBATCH:
        words.append(f"mb {span.microbatch}")
    if span.layer != NO_LAYER:
        words.append(f"layer {span.layer}")
    return " ".join(words) or f"step {span.step}"


def _identity(span: Span) -> tuple[object, ...]:
    return (span.worker, span.stage, *span[2:5], span.peer)


def _arrows(messages: Sequence[Message]) -> dict[tuple[object, ...], list[tuple[str, int]]]:
    """Which arrows begin, pass or end at which span.

    An arrow exists where the way to the FFN instance was recorded; its id counts those messages.
    """
    arrows: dict[tuple[object, ...], list[tuple[str, int]]] = {}
    flow_ids: dict[tuple[object, ...], int] = {}
    for message in messages:
        if message.direction == "out" and message.use is not None:
            flow_id = len(flow_ids) + 1
            flow_ids[message.send.worker, message.receiver, *message.send[2:5]] = flow_id
            arrows.setdefault(_identity(message.send), []).append(("s", flow_id))
            arrows.setdefault(_identity(message.use), []).append(("t", flow_id))
    for message in messages:
        key = (message.receiver, message.send.worker, *message.send[2:5])
        if message.direction == "back" and message.use is not None and key in flow_ids:
            arrows.setdefault(_identity(message.use), []).append(("f", flow_ids[key]))
    return arrows


def _arrow(
    span: Span, phase: str, flow_id: int, process_ids: dict[str, int], origin_ns: int
) -> dict[str, Any]:
    pid = process_ids[span.worker]
    # The last nanosecond of the wait: its end would lie outside the slice.
    ends_ns = max(span.start_ns, span.end_ns - 1)
    event = {
        "ph": phase,
        "name": "rows",
        "cat": "arrow",
        "id": flow_id,
        "pid": pid,
        "tid": _thread_id(pid, span.stage),
        "ts": ((ends_ns if phase == "f" else span.start_ns) - origin_ns) / NS_PER_US,
    }
    return event | {"bp": "e"} if phase == "f" else event


def _in_flight(
    message: Message, number: int, process_ids: dict[str, int], origin_ns: int
) -> Iterator[dict[str, Any]]:
    if message.receive is None:
        return
    pid = process_ids[message.send.worker]
    times = (message.send.start_ns, message.receive.end_ns)
    for phase, time_ns in zip("be", times, strict=True):
        yield {
            "ph": phase,
            "name": f"to {message.receiver}",
            "cat": "link",
            "id": str(number),
            "pid": pid,
            "tid": _thread_id(pid, "send"),
            "ts": (time_ns - origin_ns) / NS_PER_US,
            "args": {"mb": message.send.microbatch, "layer": message.send.layer},
        }


def read_trace(path: Path) -> Trace:
    """Reads a file that `write_trace` wrote.

    Raises:
        TraceError: The file cannot be read or is not such a file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TraceError(f"{path}: {error}") from None
    header = data.get("otherData") if isinstance(data, dict) else None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise TraceError(
            f"{path}: this is no AFD trace of Regard (otherData.format is not {FORMAT!r}); "
            "write one with regard serve --afd ... --trace FILE or regard afd simulate --trace FILE"
        )
    try:
        info = TraceInfo(**{each.name: header[each.name] for each in fields(TraceInfo)})
        spans = list(_spans(data["traceEvents"], header["clock_origin_ns"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path}: damaged: {type(error).__name__}: {error}") from None
    return Trace(info, sorted(spans, key=_start))


def _spans(events: Sequence[dict[str, Any]], origin_ns: int) -> Iterator[Span]:
    workers = {e["pid"]: e["args"]["name"] for e in events if e.get("name") == "process_name"}
    for event in events:
        if event["ph"] not in ("X", "i"):
            continue
        start_ns = origin_ns + round(event["ts"] * NS_PER_US)
        end_ns = start_ns + round(event.get("dur", 0) * NS_PER_US)
        more = event["args"]
        key = (more["step"], more["layer"], more["microbatch"], more["rows"])
        worker = workers[event["pid"]]
        yield checked_span((worker, event["cat"], *key, start_ns, end_ns, more["peer"]))
