"""When each stage of a step ran, from the transfers' stamps: nothing is added to the timed run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LANES = ("attention", "to FFN", "FFN", "to attention")
Stamps = NDArray[np.int64]
"""(transfers, 3) nanoseconds at which each was ready, began on the wire, and was seen."""


@dataclass(frozen=True)
class Span:
    """What one lane did for one micro-batch in one layer; microseconds from the first stamp on."""

    lane: str
    layer: int
    index: int
    begin: float
    end: float

    @property
    def duration(self) -> float:
        """Microseconds."""
        return self.end - self.begin


def clock_offset(samples: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """A GPU's clock minus the host's, and how far that may be off, in nanoseconds.

    Args:
        samples: Host's time before a stamp, the stamp, host's time after it.
    """
    before, stamp, after = min(samples, key=lambda sample: sample[2] - sample[0])
    return stamp - (before + after) / 2, (after - before) / 2


def spans(out: Stamps, back: Stamps, num_microbatches: int, offset: float) -> list[Span]:
    """The spans of a step, transfer by transfer.

    A side begins once it has what it needs and is done with what it did before; so the gaps between
    its spans are waits. What the attention GPU does before its first message is left out.

    Args:
        out: Stamps of the attention GPU.
        back: Of the FFN GPU.
        num_microbatches: Taking turns, in this order in every layer.
        offset: The FFN GPU's clock minus the attention GPU's, nanoseconds.
    """
    start = out[0, 0]
    sent = (out - start) / 1e3
    returned = (back - start - offset) / 1e3
    found = []
    for number in range(len(out)):
        layer, index = divmod(number, num_microbatches)
        if number > 0:
            needed = returned[number - num_microbatches, 2] if layer else -np.inf
            begin = max(sent[number - 1, 0], needed)
            found.append(Span("attention", layer, index, begin, sent[number, 0]))
        found.append(Span("to FFN", layer, index, sent[number, 0], sent[number, 2]))
        begin = max(sent[number, 2], returned[number - 1, 0] if number else -np.inf)
        found.append(Span("FFN", layer, index, begin, returned[number, 0]))
        found.append(Span("to attention", layer, index, returned[number, 0], returned[number, 2]))
    return [
        Span(each.lane, each.layer, each.index, float(each.begin), float(each.end))
        for each in found
    ]


def busy(found: Sequence[Span], layers: range) -> dict[str, dict[str, float]]:
    """For each lane, over some layers: median and 95th percentile of a span, share of the time."""
    result = {}
    for lane in LANES:
        inside = [each for each in found if each.lane == lane and each.layer in layers]
        durations = [each.duration for each in inside]
        whole = max(each.end for each in inside) - min(each.begin for each in inside)
        result[lane] = {
            "median_us": float(np.median(durations)),
            "p95_us": float(np.percentile(durations, 95)),
            "share": float(sum(durations) / whole),
        }
    return result


def describe(lanes: dict[str, dict[str, float]]) -> str:
    """A line for each lane."""
    return "\n".join(
        f"  {lane}: {values['median_us']:.1f} us a stage (p95 {values['p95_us']:.1f}), "
        f"{values['share']:.2f} of the time"
        for lane, values in lanes.items()
    )


def draw(found: Sequence[Span], layers: range, path: Path) -> None:
    """Draws the lanes over some layers as SVG; a colour a micro-batch."""
    import matplotlib
    from matplotlib.figure import Figure

    inside = [each for each in found if each.layer in layers]
    start = min(each.begin for each in inside)
    figure = Figure(figsize=(12, 3), layout="constrained")
    axes = figure.subplots()
    for each in inside:
        lane = LANES.index(each.lane)
        colour = f"C{each.index}"
        axes.broken_barh(
            [(each.begin - start, each.duration)], (lane - 0.4, 0.8),
            facecolors=colour, edgecolor="white", alpha=0.9,
        )  # fmt: skip
        if each.lane in ("attention", "FFN"):
            axes.text(
                each.begin - start + each.duration / 2, lane, str(each.layer),
                ha="center", va="center", fontsize=7, color="white",
            )  # fmt: skip
    axes.set_yticks(range(len(LANES)), LANES)
    axes.invert_yaxis()
    axes.set_xlabel("microseconds; numbers: layers; colours: micro-batches")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "timeline"}):
        figure.savefig(path, metadata={"Date": None})
