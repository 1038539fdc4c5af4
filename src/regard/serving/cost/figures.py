"""The pictures of the analysis: cost over context, rooflines, throughput over time per token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.analysis import token_cost
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.step import Step

# Okabe and Ito's colours, which the colour-blind tell apart, and two more in their manner.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933",
    "#332288", "#777777",
)  # fmt: skip
GRID = "#E4E4E4"
INK = "#222222"
SIZE = (8.0, 4.8)
CONTEXTS = tuple(1024 * 2**power for power in range(0, 8))
# One paragraph's text size; axes are named in full.
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "text.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "regard",
}


def _new_axes() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _spread(values: Sequence[float], gap: float) -> list[float]:
    """Positions on a log axis for labels, moved apart where they would overlap."""
    order = np.argsort(values)
    logs = np.log10(np.asarray(values)[order])
    for index in range(1, len(logs)):
        logs[index] = max(logs[index], logs[index - 1] + gap)
    placed = np.empty(len(logs))
    placed[order] = 10**logs
    return [float(each) for each in placed]


def cost_over_context(
    models: Sequence[Architecture], accelerators: Sequence[Accelerator]
) -> Figure:
    """Dollars per million tokens against context, attention and FFN each where it is cheapest."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _new_axes()
        ends = []
        for model, colour in zip(models, COLOURS, strict=False):
            costs = [token_cost(model, accelerators, context).afd_usd for context in CONTEXTS]
            wide = 2.8 if model.name == "step3" else 1.6
            axes.plot(CONTEXTS, costs, color=colour, linewidth=wide)
            ends.append(costs[-1])
        places = _spread(ends, 0.07)
        for model, colour, place in zip(models, COLOURS, places, strict=False):
            axes.text(CONTEXTS[-1] * 1.08, place, model.name, color=colour, va="center", fontsize=9)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(CONTEXTS, [f"{each // 1024}K" for each in CONTEXTS])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("tokens of context")
        axes.set_ylabel("USD per million decoded tokens (AFD)")
        axes.set_xlim(CONTEXTS[0], CONTEXTS[-1] * 2.6)
    return figure


def rooflines(
    models: Sequence[Architecture], accelerators: Sequence[Accelerator], context: int
) -> Figure:
    """Operations a second that memory allows, against operations for each byte of cache."""
    intensities = np.geomspace(2, 2000, 200)
    with matplotlib.rc_context(STYLE):
        figure, axes = _new_axes()
        peaks = [max(each.flops.values()) / 1e12 for each in accelerators]
        places = _spread(peaks, 0.08)
        for each, peak, place, colour in zip(accelerators, peaks, places, COLOURS, strict=False):
            speed = np.minimum(intensities * each.memory_bytes_per_second / 1e12, peak)
            axes.plot(intensities, speed, color=colour, linewidth=2)
            axes.text(2150, place, each.name, color=colour, va="center", fontsize=9)
        bottom = 2.0
        for number, (at, names) in enumerate(sorted(_by_intensity(models, context).items())):
            axes.axvline(at, color="#BBBBBB", linewidth=0.8, zorder=0)
            axes.text(
                at, bottom * (1.15, 1.5)[number % 2], ", ".join(names), rotation=90, fontsize=8,
                ha="center", va="bottom", backgroundcolor="#FFFFFFCC",
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(2, 4200)
        axes.set_ylim(bottom, None)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(f"attention's FLOP for each byte of cache, at {context // 1024}K")
        axes.set_ylabel("TFLOP/s within reach")
    return figure


def _by_intensity(models: Sequence[Architecture], context: int) -> dict[float, list[str]]:
    found: dict[float, list[str]] = {}
    for model in models:
        found.setdefault(round(model.intensity(context), 1), []).append(model.name)
    return found


def cost_parts(
    models: Sequence[Architecture], accelerators: Sequence[Accelerator], context: int
) -> Figure:
    """What attention and FFN cost, each where it is cheapest."""
    costs = [token_cost(model, accelerators, context) for model in models]
    costs.sort(key=lambda each: each.afd_usd)
    names = [each.model for each in costs]
    attention = [each.attention_usd[each.afd_pair[0]] for each in costs]
    ffn = [each.ffn_usd[each.afd_pair[1]] for each in costs]
    with matplotlib.rc_context(STYLE):
        figure, axes = _new_axes()
        axes.barh(names, attention, color=COLOURS[0], label="attention")
        axes.barh(names, ffn, left=attention, color=COLOURS[4], label="feed-forward")
        for number, each in enumerate(costs):
            on = " + ".join(each.afd_pair)
            axes.text(each.afd_usd, number, f"  {each.afd_usd:.3f}  on {on}", va="center")
        axes.grid(False, axis="y")
        axes.set_xlim(0, max(each.afd_usd for each in costs) * 1.35)
        axes.set_xlabel(f"USD per million decoded tokens at {context // 1024}K of context")
        axes.legend(frameon=False, loc="lower right")
    return figure


class Point(NamedTuple):
    """A deployment that somebody measured."""

    name: str
    """What to write beside it."""
    milliseconds: float
    """Time per output token."""
    tokens_per_second_per_gpu: float
    """Throughput."""


def pareto_curves(curves: Mapping[str, Sequence[Step]], points: Sequence[Point] = ()) -> Figure:
    """Tokens a second for each accelerator against time per token.

    Args:
        curves: the best steps within several times, by label.
        points: measurements to compare with.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _new_axes()
        for (label, steps), colour in zip(curves.items(), COLOURS, strict=False):
            found = sorted(steps, key=lambda each: each.seconds)
            times = [each.seconds * 1e3 for each in found]
            best = np.maximum.accumulate([each.tokens_per_second_per_gpu for each in found])
            axes.plot(times, best, "-o", color=colour, markersize=4, label=label)
        for point in points:
            at = (point.milliseconds, point.tokens_per_second_per_gpu)
            axes.plot(*at, "x", color=INK, markersize=8, markeredgewidth=2)
            axes.annotate(
                point.name, at, xytext=(8, -3), textcoords="offset points", va="top", fontsize=9
            )
        axes.set_xlabel("ms per output token")
        axes.set_ylabel("tokens/s for each accelerator")
        axes.set_ylim(0, None)
        axes.set_xlim(0, None)
        axes.legend(frameon=False)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as its ending says; the same figure gives the same SVG."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with matplotlib.rc_context(STYLE):
        figure.savefig(path, dpi=160, metadata=metadata)
