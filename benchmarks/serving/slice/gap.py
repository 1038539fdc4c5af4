"""A stage's time split by cause, from when each kernel of a profiled step began and ended.

A stage is what one side does with one micro-batch in one layer. Its causes add up to its time:
weights and keys and values at the speed of a copy (the roofline), what products and attention take
beyond that, other work, gaps between kernels, waiting for bytes, waiting for the other side.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PRODUCTS = ("block_scaled_kernel", "fp8_gemm", "sm90_fp8")
ATTENTION = ("mfa_decode_kernel", "flash", "Flash")
HOLD = "_hold_kernel"
WIRE = (HOLD, "_stamp_kernel", "Memcpy", "memcpy")
ASIDE = (
    "_router_kernel",
    "_choose_kernel",
    "_dispatch_kernel",
    "_permute_kernel",
    "elementwise",
    "memcpy32_post",
    "_gather_kernel",
)
"""May run beside the chain of kernels that a stage consists of."""
CAUSES = (
    "roofline: weights",
    "roofline: KV",
    "weights",
    "KV",
    "compute",
    "launch",
    "wire",
    "imbalance",
)


@dataclass(frozen=True)
class Kernel:
    """One kernel or copy; microseconds on a clock that all devices share."""

    name: str
    device: int
    begin: float
    end: float


@dataclass(frozen=True)
class Side:
    """How to tell the stages of one of the two GPUs."""

    name: str
    device: int
    mark: str
    """A kernel that every stage has once."""
    before_mark: int
    """Kernels of the stage's chain ahead of it; -1: it ends the stage before."""
    weight_bytes: float
    """Read in a stage."""
    kv_bytes: float


@dataclass(frozen=True)
class Split:
    """Means over the stages of one step, microseconds."""

    side: str
    num_stages: int
    stage: float
    causes: Mapping[str, float]
    """Of `CAUSES`; they add up to `stage`."""
    kernels: Mapping[str, float]
    """By name: time in which the kernel, not one begun earlier, occupied the GPU."""


def kernels_of(events: Iterable[Mapping[str, Any]]) -> list[Kernel]:
    """What ran on GPUs according to a profiler's trace events, in the order of their beginnings.

    A copy between two GPUs has no one device and is left out: no multiprocessor is busy with it.
    """
    found = [
        Kernel(
            str(event["name"]),
            int(event["args"]["device"]),
            float(event["ts"]),
            float(event["ts"]) + float(event["dur"]),
        )
        for event in events
        if event.get("cat") in ("kernel", "gpu_memcpy") and "device" in event["args"]
    ]
    return sorted(found, key=lambda kernel: kernel.begin)


def _has(kernel: Kernel, names: Sequence[str]) -> bool:
    return any(name in kernel.name for name in names)


def short_name(kernel: Kernel) -> str:
    """Without return type, arguments and namespaces."""
    name = kernel.name.removeprefix("void ").split("(")[0]
    head, _, rest = name.partition("<")
    head = head.rsplit("::", 1)[-1]
    return f"{head}<{rest}"[:48] if rest else head[:48]


def cause_of(kernel: Kernel) -> str:
    """What a kernel's time counts as."""
    if _has(kernel, PRODUCTS):
        return "weights"
    return "KV" if _has(kernel, ATTENTION) else "compute"


def stage_starts(kernels: Sequence[Kernel], side: Side) -> list[Kernel]:
    """The first kernel of each stage on a side."""
    chain = [
        each
        for each in kernels
        if each.device == side.device and not _has(each, WIRE) and not _has(each, ASIDE)
    ]
    marks = [index for index, each in enumerate(chain) if side.mark in each.name]
    firsts = [index - side.before_mark for index in marks]
    return [chain[index] for index in firsts if 0 <= index < len(chain)]


def _overlap(begin: float, end: float, others: Sequence[Kernel]) -> float:
    """How much of an interval some of the others cover; these are in order and do not overlap."""
    return sum(max(0.0, min(end, each.end) - max(begin, each.begin)) for each in others)


def split(
    kernels: Sequence[Kernel], side: Side, first: int, last: int, bytes_per_second: float
) -> Split:
    """Splits the time from the start of stage `first` to that of stage `last`.

    Args:
        kernels: Of a step on both devices, in the order of their beginnings.
        side: Whose.
        first: Of the stages, counted from 0.
        last: The same.
        bytes_per_second: Of a copy: what the roofline is made of.

    Raises:
        ValueError: The step has fewer stages.
    """
    starts = stage_starts(kernels, side)
    if not 0 <= first < last < len(starts):
        raise ValueError(f"stages {first} to {last} of {len(starts)} on the {side.name} GPU")
    begin, end, num_stages = starts[first].begin, starts[last].begin, last - first
    holds = [each for each in kernels if each.device != side.device and HOLD in each.name]
    holds = [each for each in holds if each.end > begin and each.begin < end]
    beginnings = set(starts)
    causes = dict.fromkeys(CAUSES, 0.0)
    times: dict[str, float] = {}
    cursor = begin
    for each in kernels:
        if each.device != side.device or _has(each, WIRE) or each.end <= begin or each.begin >= end:
            continue
        if each.begin > cursor:
            gap = each.begin - cursor
            waits = each in beginnings
            on_the_wire = _overlap(cursor, each.begin, holds) if waits else 0.0
            causes["wire"] += on_the_wire
            causes["imbalance" if waits else "launch"] += gap - on_the_wire
        own = max(0.0, min(each.end, end) - max(each.begin, cursor))
        causes[cause_of(each)] += own
        times[short_name(each)] = times.get(short_name(each), 0.0) + own
        cursor = max(cursor, min(each.end, end))
    # What is left is the wait for the stage that comes next.
    on_the_wire = _overlap(cursor, end, holds)
    causes["wire"] += on_the_wire
    causes["imbalance"] += max(0.0, end - cursor) - on_the_wire
    means = {cause: total / num_stages for cause, total in causes.items()}
    for cause, amount in (("weights", side.weight_bytes), ("KV", side.kv_bytes)):
        means[f"roofline: {cause}"] = amount / bytes_per_second * 1e6
        means[cause] -= means[f"roofline: {cause}"]
    ordered = sorted(times.items(), key=lambda item: -item[1])
    return Split(
        side.name,
        num_stages,
        (end - begin) / num_stages,
        means,
        {name: total / num_stages for name, total in ordered},
    )


def describe(splits: Sequence[Split]) -> str:
    """A table: causes by sides, then kernels."""
    header = "".join(f"{each.side:>12s}" for each in splits)
    lines = [f"{'us a stage':24s}{header}"]
    for cause in CAUSES:
        lines.append(f"{cause:24s}" + "".join(f"{each.causes[cause]:12.1f}" for each in splits))
    lines.append(f"{'stage':24s}" + "".join(f"{each.stage:12.1f}" for each in splits))
    for each in splits:
        inside = ", ".join(f"{name} {time:.1f}" for name, time in each.kernels.items())
        lines.append(f"{each.side}: {inside}")
    return "\n".join(lines)
