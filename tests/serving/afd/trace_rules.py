"""The rules of the Trace Event Format that Perfetto's importer relies on."""

from collections import defaultdict
from typing import Any

NEEDED = {
    "X": {"name", "cat", "pid", "tid", "ts", "dur"},
    "i": {"name", "cat", "pid", "tid", "ts", "s"},
    "b": {"name", "cat", "pid", "ts", "id"},
    "e": {"name", "cat", "pid", "ts", "id"},
    "s": {"name", "cat", "pid", "tid", "ts", "id"},
    "t": {"name", "cat", "pid", "tid", "ts", "id"},
    "f": {"name", "cat", "pid", "tid", "ts", "id"},
    "M": {"name", "pid", "args"},
}


def broken_rules(document: dict[str, Any]) -> list[str]:
    """Every rule that a trace breaks; empty for one that Perfetto takes whole."""
    events = document["traceEvents"]
    found = [problem for event in events for problem in _of_one(event)]
    if found:
        return found
    return [*_nesting(events), *_pairs(events), *_flows(events), *_names(events)]


def _of_one(event: dict[str, Any]) -> list[str]:
    phase = event.get("ph")
    if phase not in NEEDED:
        return [f"phase {phase!r} is unknown"]
    found = [f"{phase} lacks {name}" for name in NEEDED[phase] - event.keys()]
    found += [
        f"{name} is {event[name]!r}"
        for name in ("pid", "tid")
        if name in event and (type(event[name]) is not int or event[name] < 1)
    ]
    found += [
        f"{name} is {event[name]!r}"
        for name in ("ts", "dur")
        if name in event and not (type(event[name]) in (int, float) and event[name] >= 0)
    ]
    if phase in "be" and type(event.get("id")) is not str:
        found.append(f"the id of an asynchronous event is {event.get('id')!r}")
    if phase in "stf" and type(event.get("id")) is not int:
        found.append(f"the id of an arrow is {event.get('id')!r}")
    return found


def _ns(microseconds: float) -> int:
    return round(microseconds * 1000)


def _threads(events: list[dict[str, Any]]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    threads = defaultdict(list)
    for event in events:
        if event["ph"] in "Xi":
            start = _ns(event["ts"])
            threads[event["pid"], event["tid"]].append((start, start + _ns(event.get("dur", 0))))
    return threads


def _nesting(events: list[dict[str, Any]]) -> list[str]:
    found = []
    for thread, slices in _threads(events).items():
        open_ends: list[int] = []
        for start, end in sorted(slices, key=lambda each: (each[0], -each[1])):
            while open_ends and open_ends[-1] <= start:
                open_ends.pop()
            if open_ends and end > open_ends[-1]:
                found.append(f"slices of thread {thread} overlap at {start}")
            open_ends.append(end)
    return found


def _pairs(events: list[dict[str, Any]]) -> list[str]:
    ends: dict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
    for event in events:
        if event["ph"] in "be":
            ends[event["cat"], event["id"], event["name"], event["pid"]][event["ph"]] = event["ts"]
    return [
        f"asynchronous slice {key} is {pair}"
        for key, pair in ends.items()
        if set(pair) != {"b", "e"} or pair["b"] > pair["e"]
    ]


def _flows(events: list[dict[str, Any]]) -> list[str]:
    """An arrow starts before it ends, and binds to the slice last begun on its thread."""
    found = []
    begun: dict[tuple[int, int], tuple[int, int]] = {}
    last: dict[tuple[Any, ...], int] = {}
    # Sorting is stable, as the importer's is.
    for event in sorted(events, key=lambda each: _ns(each.get("ts", 0))):
        thread = (event["pid"], event.get("tid", 0))
        now = _ns(event.get("ts", 0))
        if event["ph"] in "Xi":
            begun[thread] = (now, now + _ns(event.get("dur", 0)))
        elif event["ph"] in "stf":
            key = (event["cat"], event["id"], event["name"])
            start, end = begun.get(thread, (1, 0))
            if not start <= now <= end:
                found.append(f"arrow {key} {event['ph']} is bound to no slice")
            if event["ph"] == "s" and key in last:
                found.append(f"arrow {key} begins twice")
            if event["ph"] != "s" and key not in last:
                found.append(f"arrow {key} goes on before it begins")
            if event["ph"] == "f" and event.get("bp") != "e":
                found.append(f"arrow {key} ends at the next slice")
            last[key] = now
    return found


def _names(events: list[dict[str, Any]]) -> list[str]:
    named = {e["pid"] for e in events if e["ph"] == "M" and e["name"] == "process_name"}
    threads = {
        (e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"
    }
    used = {(e["pid"], e["tid"]) for e in events if e["ph"] in "Xi"}
    thread_ids = [tid for _, tid in used]
    found = [f"process {pid} has no name" for pid, _ in used if pid not in named]
    found += [f"thread {thread} has no name" for thread in used - threads]
    return found + (["two threads share an id"] if len(set(thread_ids)) < len(thread_ids) else [])
