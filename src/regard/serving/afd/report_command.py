"""`regard afd report`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from regard.serving.afd.picture import picture_of
from regard.serving.afd.report import Report, report_of
from regard.serving.afd.svg_picture import write_svg
from regard.serving.afd.terminal_picture import terminal_picture
from regard.serving.afd.trace import TraceError
from regard.serving.afd.trace_file import Trace, read_trace

PROGRAM = "regard afd report"
# So many layers are told apart in a terminal.
LAYERS_IN_TERMINAL = 3


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Sum a timeline up: stage times, bubbles, link times, the straggler and the bound.

    The file is one that regard serve --afd ... --trace FILE or regard afd simulate --trace FILE
    wrote; https://ui.perfetto.dev opens it too.

    Example: regard afd report run.json --svg step.svg
    """

    file: Annotated[Path, tyro.conf.Positional]
    """The trace."""
    step: int | None = None
    """The step to draw; by default the one nearest the median."""
    layers: str | None = None
    """Layers to draw, FIRST:END; by default three in the terminal and all in the SVG."""
    svg: Path | None = None
    """Draw the step into this file."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON instead of tables."""


def main(argv: Sequence[str]) -> int:
    """Reads a trace and prints what it says.

    Raises:
        TraceError: The file is no trace, or has no such step or layers.
    """
    options = tyro.cli(ReportOptions, prog=PROGRAM, args=list(argv))
    layers = None if options.layers is None else layers_of(options.layers)
    trace = read_trace(options.file)
    report = report_of(trace)
    if options.svg is not None:
        write_svg(options.svg, picture_of(trace, step=options.step, layers=layers))
    if options.json:
        print(json.dumps(asdict(report), indent=2, allow_nan=False))
        return 0
    console = Console()
    print_report(report, console)
    picture = picture_of(trace, step=options.step, layers=layers or _middle_layers(trace))
    for line in terminal_picture(picture, console.width):
        console.print(line, no_wrap=True, crop=True)
    return 0


def layers_of(text: str) -> tuple[int, int]:
    """Reads FIRST:END.

    Raises:
        TraceError: It is not of that form.
    """
    first, separator, end = text.partition(":")
    if separator and first.isdecimal() and end.isdecimal() and int(first) < int(end):
        return int(first), int(end)
    raise TraceError(f"layers {text!r}: write FIRST:END, such as 20:24 for 20 to 23")


def _middle_layers(trace: Trace) -> tuple[int, int] | None:
    num_layers = trace.info.num_layers
    if num_layers <= LAYERS_IN_TERMINAL:
        return None
    first = (num_layers - LAYERS_IN_TERMINAL) // 2
    return first, first + LAYERS_IN_TERMINAL


def print_report(report: Report, console: Console) -> None:
    """The tables, for people."""
    info = report.info
    made = "simulated" if info.source == "simulation" else "run"
    _say(
        console,
        f"{info.topology}, {info.num_layers} layers, {info.num_microbatches} micro-batches, {made}"
        + (f": {info.notes}" if info.notes else ""),
    )
    _say(
        console,
        f"{report.num_steps} steps: median {report.step.median_us / 1e3:.3f} ms, "
        f"p99 {report.step.p99_us / 1e3:.3f} ms",
    )
    console.print(_stage_table(report))
    console.print(_idle_table(report))
    for each in report.straggling:
        verdict = "straggler" if each.is_straggler else "no straggler; slowest"
        _say(console, f"{verdict}: {each.worker}, {each.factor:.2f} times the others' stage time")
    kind = " (latency)" if report.bound.is_latency else ""
    _say(console, f"bound: {report.bound.resource}{kind}: {report.bound.reason}")
    if info.num_dropped_steps:
        _say(console, f"{info.num_dropped_steps} older steps were dropped to bound memory")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number > 1 else "left", no_wrap=True)
    return table


def _stage_table(report: Report) -> Table:
    table = _table("worker", "stage", "count", "median us", "p99 us")
    for worker in report.workers:
        for stage, times in worker.stages.items():
            numbers = (f"{times.median_us:.1f}", f"{times.p99_us:.1f}")
            table.add_row(worker.worker, stage, str(times.count), *numbers)
    names = {"out": "attention to FFN", "back": "FFN to attention"}
    for direction, times in report.links.items():
        numbers = (f"{times.median_us:.1f}", f"{times.p99_us:.1f}")
        table.add_row("link", names[direction], str(times.count), *numbers)
    return table


def _idle_table(report: Report) -> Table:
    table = _table("worker", "busy", "idle in layers", "between steps", "untraced", "worst layer")
    for worker in report.workers:
        idle = worker.idleness
        shares = (idle.busy, idle.in_layers, idle.between_steps, idle.untraced)
        worst = "-" if idle.worst_layer is None else str(idle.worst_layer)
        table.add_row(worker.worker, *(f"{100 * each:.1f} %" for each in shares), worst)
    return table
