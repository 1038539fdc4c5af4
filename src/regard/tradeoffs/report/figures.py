"""The report's figures as SVG text."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.curve import Band
from regard.tradeoffs.analysis.firth import CurveFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1d2733"
MUTED = "#6b7785"
TARGET = "#b3261e"
# Okabe and Ito's colours, which the colour-blind tell apart; styles tell apart what is left.
CONTROLS = ("#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#7f7f7f", "#8c6d1f", "#5e4fa2")
STYLES = ("-", "--", "-.", ":")


def dose_figure(
    target: str,
    panels: Sequence[tuple[str, Sequence[Band], CurveFit, Mapping[str, Sequence[Band]]]],
) -> str:
    """Avoiding by level, one panel a points gap: the target with its fit, controls beside it.

    Args:
        target: The state.
        panels: Title, the target's bands, its fit, the controls' bands by name.
    """
    figure, axes = _subplots(len(panels), width=3.6 * max(2, len(panels)) + 1.7, height=3.4)
    for axis, (title, bands, fit, controls) in zip(axes, panels, strict=True):
        for number, (name, points) in enumerate(controls.items()):
            axis.plot(
                [band.level for band in points],
                [1 - band.share.value for band in points],
                color=CONTROLS[number % len(CONTROLS)],
                linestyle=STYLES[number % len(STYLES)],
                marker="o",
                markersize=2.5,
                linewidth=1.1,
                label=name,
            )
        levels = np.array([band.level for band in bands])
        fine = np.linspace(levels.min(), levels.max(), 200)
        axis.plot(fine, 1 - fit.share(fine), color=TARGET, linewidth=2, label=f"{target}, fit")
        _bars(axis, bands)
        axis.axhline(0.5, color=MUTED, linewidth=0.6, linestyle=(0, (1, 3)))
        axis.set(title=title, xlabel="stated intensity", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share that gives up points")
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    return _svg(figure, f"dose-{target}")


def _bars(axis: Axes, bands: Sequence[Band]) -> None:
    """Points with Student's interval over wordings, and Wilson's inside it."""
    for band in bands:
        avoided = 1 - band.share.value
        for interval, width in ((band.clustered, 1.0), (band.share, 3.0)):
            # One wording has no interval over wordings.
            if not np.isfinite(interval.low):
                continue
            low, high = np.clip([1 - interval.high, 1 - interval.low], 0, 1)
            axis.plot([band.level] * 2, [low, high], color=TARGET, linewidth=width, alpha=0.75)
        axis.plot(band.level, avoided, "o", color=TARGET, markersize=4.5)


def models_figure(
    name: str, panels: Mapping[float, Mapping[str, Sequence[Band]]], behind_gate: Collection[str]
) -> str:
    """Avoiding by level, one panel a points gap, one line a model with intervals over wordings.

    Args:
        name: Keeps the figure's ids apart from others'.
        panels: By gap in points: the models' bands.
        behind_gate: Models whose answers failed a gate: drawn thin and dotted.
    """
    figure, axes = _subplots(len(panels), width=3.6 * max(2, len(panels)), height=3.4)
    models = list(dict.fromkeys(model for curves in panels.values() for model in curves))
    for axis, (gap, curves) in zip(axes, panels.items(), strict=True):
        for model, bands in curves.items():
            _model_curve(axis, model, bands, models.index(model), failed=model in behind_gate)
        axis.axhline(0.5, color=MUTED, linewidth=0.6, linestyle=(0, (1, 3)))
        title = f"{gap:g} more point" + ("" if gap == 1 else "s")
        axis.set(title=title, xlabel="stated intensity", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share that gives up points")
    lines = {
        label: line
        for axis in axes
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(lines.values(), lines.keys(), loc="outside lower left", frameon=False)
    return _svg(figure, f"models-{name}")


def _model_curve(
    axis: Axes, model: str, bands: Sequence[Band], number: int, *, failed: bool
) -> None:
    color = CONTROLS[number % len(CONTROLS)]
    # Side by side, so that the bars of models that agree do not hide one another.
    levels = [band.level + 0.12 * number for band in bands]
    axis.plot(
        levels,
        [1 - band.share.value for band in bands],
        color=color,
        linestyle=":" if failed else STYLES[(number // len(CONTROLS)) % 3],
        linewidth=1.1 if failed else 1.8,
        marker="x" if failed else "o",
        markersize=4,
        label=f"{model} (a gate failed)" if failed else model,
    )
    for level, band in zip(levels, bands, strict=True):
        if np.isfinite(band.clustered.low):
            ends = np.clip([1 - band.clustered.high, 1 - band.clustered.low], 0, 1)
            axis.plot([level, level], ends, color=color, linewidth=1.0, alpha=0.75)


def slopes_figure(name: str, slopes: Mapping[str, Interval], behind_gate: Collection[str]) -> str:
    """Slopes of the models with their intervals over wordings.

    Args:
        name: Keeps the figure's ids apart from others'.
        slopes: By model.
        behind_gate: Models whose answers failed a gate: drawn in grey.
    """
    figure, (axis,) = _subplots(1, width=7.4, height=0.3 * len(slopes) + 0.9)
    for place, (model, slope) in enumerate(slopes.items()):
        color = MUTED if model in behind_gate else INK
        axis.plot([slope.low, slope.high], [place, place], color=color, linewidth=1.2)
        axis.plot(slope.value, place, "x" if model in behind_gate else "s", color=color)
    axis.axvline(0, color=MUTED, linewidth=0.8)
    axis.set_yticks(range(len(slopes)), labels=list(slopes))
    axis.set_ylim(len(slopes) - 0.5, -0.5)
    axis.set_xlabel("slope, logits of giving up points, a level")
    return _svg(figure, f"slopes-{name}")


def price_figure(target: str, thresholds: Mapping[float, Interval], fit: Interval) -> str:
    """Thresholds against the points gap, each estimated on its own.

    Args:
        target: The state.
        thresholds: By gap in points, with intervals over wordings.
        fit: Price of the common fit, in levels per unit of the log gap.
    """
    figure, (axis,) = _subplots(1, width=4.6, height=3.2)
    for gap, each in thresholds.items():
        axis.plot([gap, gap], [each.low, each.high], color=TARGET, linewidth=1.2)
        axis.plot(gap, each.value, "o", color=TARGET, markersize=5)
    gaps = np.array(list(thresholds))
    level = np.mean([each.value for each in thresholds.values()])
    line = level + fit.value * (np.log(gaps) - np.log(gaps).mean())
    axis.plot(gaps, line, color=INK, linewidth=1, linestyle="--", label="common price")
    axis.legend(frameon=False)
    axis.set(xscale="log", xlabel="points gap", ylabel="threshold, level")
    axis.set_xticks(gaps, labels=[f"{gap:g}" for gap in gaps])
    axis.minorticks_off()
    return _svg(figure, f"price-{target}")


def forest_figure(target: str, curves: Mapping[str, CurveFit], overall: Interval) -> str:
    """Slopes of the wordings, and of all of them together."""
    figure, (axis,) = _subplots(1, width=5.2, height=0.24 * len(curves) + 1.3)
    names = list(curves)
    for place, name in enumerate(names):
        slope = curves[name].slope
        ends = [value for value in (slope.low, slope.high) if np.isfinite(value)]
        axis.plot(ends, [place] * len(ends), color=INK, linewidth=1.1)
        axis.plot(slope.value, place, "s", color=INK, markersize=4)
    axis.axvspan(overall.low, overall.high, color=TARGET, alpha=0.15, linewidth=0)
    axis.axvline(overall.value, color=TARGET, linewidth=1.4)
    axis.axvline(0, color=MUTED, linewidth=0.8)
    axis.set_yticks(range(len(names)), labels=names)
    axis.invert_yaxis()
    axis.set_xlabel("slope, logits of giving up points, a level")
    return _svg(figure, f"forest-{target}")


def shares_figure(target: str, shares: Mapping[str, float]) -> str:
    """What the differences between cells come from."""
    figure, (axis,) = _subplots(1, width=5.2, height=0.26 * len(shares) + 0.9)
    names = list(shares)
    axis.barh(range(len(names)), [shares[name] for name in names], color="#0072b2", height=0.62)
    for place, name in enumerate(names):
        axis.text(shares[name] + 0.01, place, f"{shares[name]:.1%}", va="center", color=INK)
    axis.set_yticks(range(len(names)), labels=names)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.12), xlabel="share of the variance of the cells' logits")
    return _svg(figure, f"shares-{target}")


def _subplots(count: int, *, width: float, height: float) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=INK, labelsize=9)
    return figure, axes


def _svg(figure: Figure, name: str) -> str:
    """The figure as an element for a page; the name keeps its ids apart from other figures'."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # Readers without eyes get the heading above; the size follows the page.
    text = re.sub(r'<svg height="[\d.]+pt"', "<svg", text, count=1)
    return re.sub(r' width="([\d.]+)pt"', r' style="width:\1pt;max-width:100%"', text, count=1)
