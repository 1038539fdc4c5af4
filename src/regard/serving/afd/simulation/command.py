"""`regard afd simulate`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import tyro
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from regard.common.progress import progress_bar
from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.options import SimulateOptions
from regard.serving.afd.simulation.prediction import (
    Prediction,
    prediction_of,
    progress_total,
    simulate,
)
from regard.serving.afd.simulation.stage_time import SimulationError
from regard.serving.afd.simulation.sweep import swept
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_file import TraceInfo, write_trace

PROGRAM = "regard afd simulate"
# About half a gigabyte of JSON; more than viewers open.
MAX_TRACED_SPANS = 2_000_000


# Swept or not, the table has a column for them.
SHOWN_ANYWAY = ("attention", "ffn", "microbatches", "rows")


class _Point(NamedTuple):
    """One simulated point of a sweep."""

    values: Mapping[str, float]
    options: SimulateOptions
    config: SimulationConfig


def main(argv: Sequence[str]) -> int:
    """Simulates one configuration or a sweep, and prints what it predicts.

    Raises:
        SimulationError: An option that cannot be.
        TraceError: A trace that cannot be read or written.
    """
    options = tyro.cli(SimulateOptions, prog=PROGRAM, args=list(argv))
    points = [_Point(values, each, each.config) for values, each in swept(options)]
    if options.trace is not None:
        _check_traceable(points)
    total = sum(progress_total(p.config, is_traced=options.trace is not None) for p in points)
    predictions = []
    with progress_bar("simulating", total) as advance:
        for point in points:
            spans: list[Span] | None = None if options.trace is None else []
            timeline = simulate(point.config, spans, advance)
            predictions.append(prediction_of(point.config, timeline))
            if spans is not None and options.trace is not None:
                _write(options.trace, spans, point.config)
    if options.json:
        results = [_as_data(p, each) for p, each in zip(points, predictions, strict=True)]
        print(json.dumps({"simulated": True, "results": results}, indent=2, allow_nan=False))
    else:
        print_predictions(points, predictions, Console())
    return 0


def _check_traceable(points: Sequence[_Point]) -> None:
    if len(points) > 1:
        raise SimulationError(f"--trace with a sweep of {len(points)} points: trace one of them")
    num_spans = num_traced_spans(points[0].config)
    if num_spans > MAX_TRACED_SPANS:
        raise SimulationError(
            f"that trace would have {num_spans:,} spans, more than {MAX_TRACED_SPANS:,}: "
            "lower --steps, --layers or the number of instances"
        )


def num_traced_spans(config: SimulationConfig) -> int:
    """How many spans a simulation leaves in its trace."""
    stages = config.num_steps * config.stages_per_step * config.num_attention
    # On the attention side attention, send and wait; on the way out and back receive; on the FFN
    # side feed-forward and send for each message.
    return stages * (3 + 4 * config.num_ffn) + config.num_steps * config.num_attention


def _write(path: Path, spans: Sequence[Span], config: SimulationConfig) -> None:
    info = TraceInfo(
        source="simulation",
        num_attention=config.num_attention,
        num_ffn=config.num_ffn,
        num_layers=config.num_layers,
        num_microbatches=config.num_microbatches,
        notes=f"simulated, seed {config.seed}",
    )
    write_trace(path, spans, info)


def _as_data(point: _Point, prediction: Prediction) -> dict[str, Any]:
    per_gpu = tokens_per_second_per_gpu(prediction, point.config, point.options)
    return {**asdict(prediction), "tokens_per_second_per_gpu": per_gpu, "swept": point.values}


def tokens_per_second_per_gpu(
    prediction: Prediction, config: SimulationConfig, options: SimulateOptions
) -> float | None:
    """The rate over all GPUs of both sides, where their number is known."""
    if options.num_gpus_per_instance is None:
        return None
    gpus = options.num_gpus_per_instance * (config.num_attention + config.num_ffn)
    return prediction.tokens_per_second / gpus


def print_predictions(
    points: Sequence[_Point], predictions: Sequence[Prediction], console: Console
) -> None:
    """A line for each point, and the reasoning."""
    console.print("simulated, nothing was run", markup=False, highlight=False)
    with_gpus = any(point.options.num_gpus_per_instance for point in points)
    swept_names = [name for name in points[0].values if name not in SHOWN_ANYWAY]
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    headings = [*swept_names, "mb", "rows", "step ms", "p99 ms", "tokens/s"]
    headings += ["per GPU"] * with_gpus + ["A busy", "F busy"]
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bound", no_wrap=True)
    for point, each in zip(points, predictions, strict=True):
        per_gpu = tokens_per_second_per_gpu(each, point.config, point.options)
        table.add_row(
            each.topology,
            *(f"{point.values[name]:g}" for name in swept_names),
            str(each.num_microbatches),
            str(each.rows),
            f"{each.step_ms:.3f}",
            f"{each.step_p99_ms:.3f}",
            f"{each.tokens_per_second:.1f}",
            *([f"{per_gpu:.1f}" if per_gpu is not None else "-"] * with_gpus),
            f"{100 * each.attention_utilisation:.0f} %",
            f"{100 * each.ffn_utilisation:.0f} %",
            each.bound.resource + ("*" if each.bound.is_latency else ""),
        )
    console.print(table)
    if any(each.bound.is_latency for each in predictions):
        console.print("* no worker is short of time: the longest part of a micro-batch's own trip")
    if len(predictions) == 1:
        console.print(predictions[0].bound.reason, markup=False, highlight=False)
