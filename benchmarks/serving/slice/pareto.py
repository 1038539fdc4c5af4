"""Throughput against the time of a token: which points of a sweep no other one beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Point:
    """One configuration."""

    name: str
    tpot: float
    """Seconds a token."""
    throughput: float
    """Tokens a second and GPU."""


def frontier(points: Sequence[Point]) -> list[Point]:
    """Those that no other point beats, the fastest token first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda each: (each.tpot, -each.throughput)):
        if not kept or point.throughput > kept[-1].throughput:
            kept.append(point)
    return kept


def best_within(points: Sequence[Point], limit: float) -> Point | None:
    """The highest throughput whose tokens take no longer than `limit` seconds."""
    within = [each for each in points if each.tpot <= limit]
    return max(within, key=lambda each: each.throughput, default=None)


def table(points: Sequence[Point], limit: float) -> str:
    """One line a point, the fastest token first."""
    kept, best = frontier(points), best_within(points, limit)
    lines = [f"{'':16s}{'TPOT ms':>10s}{'tokens/s/GPU':>14s}"]
    for each in sorted(points, key=lambda each: each.tpot):
        marks = ["on the curve"] if each in kept else []
        marks += [f"best within {limit * 1e3:.0f} ms"] if each == best else []
        lines.append(
            f"{each.name:16s}{each.tpot * 1e3:10.2f}{each.throughput:14.0f}  {', '.join(marks)}"
        )
    return "\n".join(line.rstrip() for line in lines)


def draw(own: Sequence[Point], baseline: Sequence[Point], limit: float, path: Path) -> None:
    """Draws the curves as SVG, with the limit on the time of a token."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, points in (("this project's kernels", own), ("ready-made kernels", baseline)):
        if not points:
            continue
        kept = frontier(points)
        (line,) = axes.plot(
            [each.tpot * 1e3 for each in kept], [each.throughput for each in kept], label=name
        )
        for each in points:
            at = (each.tpot * 1e3, each.throughput)
            axes.plot(*at, "o", color=line.get_color())
            axes.annotate(each.name, at, textcoords="offset points", xytext=(5, 4), fontsize=8)
    axes.axvline(limit * 1e3, color="grey", linestyle=":", label=f"{limit * 1e3:.0f} ms")
    axes.set_xlabel("ms a token (TPOT)")
    axes.set_ylabel("tokens/s/GPU")
    axes.legend()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pareto"}):
        figure.savefig(path, metadata={"Date": None})
