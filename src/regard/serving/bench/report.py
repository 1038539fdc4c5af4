"""Benchmarks as tables, or as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from regard.serving.bench.offline_result import OfflineResult
from regard.serving.bench.summary import Latency, Summary


def print_json(settings: Mapping[str, Any], results: Any) -> None:
    """One JSON object: the settings, and what was found."""
    # JSON has no name for the infinite request rate.
    safe = {name: str(v) if v == float("inf") else v for name, v in settings.items()}
    print(json.dumps({"settings": safe, "results": results}, indent=2, allow_nan=False))


def print_summary(summary: Summary, title: str, console: Console | None = None) -> None:
    """The figures of a load test, for people."""
    console = console or Console()
    console.print(title, markup=False, highlight=False)
    figures = Table(show_header=False)
    figures.add_column()
    figures.add_column(justify="right")
    for name, value in (
        ("requests completed", f"{summary.completed}"),
        ("requests failed", f"{summary.failed}"),
        ("duration", f"{summary.duration_seconds:.2f} s"),
        ("input tokens", f"{summary.input_tokens}"),
        ("output tokens", f"{summary.output_tokens}"),
        ("requests/s", f"{summary.requests_per_second:.2f}"),
        ("output tokens/s", f"{summary.output_tokens_per_second:.1f}"),
        ("input and output tokens/s", f"{summary.total_tokens_per_second:.1f}"),
    ):
        figures.add_row(name, value)
    console.print(figures)
    times = Table("milliseconds")
    for heading in ("mean", "p50", "p90", "p99"):
        times.add_column(heading, justify="right")
    times.add_row("time to first token", *_milliseconds(summary.ttft_seconds))
    times.add_row("time per output token", *_milliseconds(summary.tpot_seconds))
    times.add_row("end to end", *_milliseconds(summary.e2e_seconds))
    console.print(times)
    for error, count in summary.errors.items():
        console.print(f"{count} failed: {error}", markup=False, highlight=False)


def print_offline(
    results: Sequence[OfflineResult], title: str, console: Console | None = None
) -> None:
    """The speeds at each concurrency, for people."""
    console = console or Console()
    console.print(title, markup=False, highlight=False)
    table = Table("concurrency")
    for heading in ("output tokens/s", "lowest", "highest", "input and output tokens/s", "runs"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            str(result.concurrency),
            f"{result.output_tokens_per_second:.1f}",
            f"{result.lowest_output_tokens_per_second:.1f}",
            f"{result.highest_output_tokens_per_second:.1f}",
            f"{result.total_tokens_per_second:.1f}",
            str(len(result.run_seconds)),
        )
    console.print(table)


def as_data(result: Summary | OfflineResult) -> dict[str, Any]:
    """A result as JSON has it."""
    return asdict(result)


def _milliseconds(latency: Latency | None) -> list[str]:
    if latency is None:
        return ["-"] * 4
    return [f"{1e3 * value:.2f}" for value in asdict(latency).values()]
