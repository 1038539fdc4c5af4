"""Times work on a GPU: contenders take turns, each a CUDA graph of calls that cycle through data.

What a graph's calls read together should exceed `MIN_BYTES`, so that the caches hold none of it.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch

from regard.common.progress import progress_bar
from regard.common.rows import Measurement, package_versions, write_rows
from regard.serving.kernels.mfa_decode import hopper

MIN_BYTES = 500e6
CALLS = 12
Call = Callable[[], object]


def time_on_device(work: Call) -> float:
    """Microseconds."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e3


def copy_bytes_per_second(device: torch.device) -> float:
    """Bytes read plus bytes written by a large copy."""
    source = torch.rand(2**30, device=device)
    target = torch.empty_like(source)
    times = [time_on_device(lambda: target.copy_(source)) for _ in range(9)]
    return 2 * 4 * source.numel() / (median(times) * 1e-6)


def capture(calls: Sequence[Call]) -> torch.cuda.CUDAGraph:
    """A graph of CALLS calls, in turns."""
    for call in calls:
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for index in range(CALLS):
            calls[index % len(calls)]()
    return graph


def time_in_turns(contenders: Sequence[Sequence[Call]], repeats: int) -> list[list[float]]:
    """Microseconds a call of each contender, repeat by repeat; the contenders take turns."""
    graphs = [capture(calls) for calls in contenders]
    for graph in graphs:
        graph.replay()
    rounds = [[time_on_device(graph.replay) / CALLS for graph in graphs] for _ in range(repeats)]
    return [list(times) for times in zip(*rounds, strict=True)]


def row(
    metric: str, unit: str, values: Sequence[float], notes: str, packages: Sequence[str] = ()
) -> Measurement:
    """The median with the 20th and 80th percentile.

    Args:
        metric: Of the row.
        unit: Of the values.
        values: One a repeat.
        notes: What a reader must know.
        packages: Whose versions matter, besides triton's.
    """
    ordered = sorted(values)
    return Measurement(
        metric=metric,
        value=median(values),
        unit=unit,
        n=len(values),
        low=ordered[len(ordered) // 5],
        high=ordered[-1 - len(ordered) // 5],
        notes=f"median, 20th to 80th percentile; {notes}",
        extra_versions=package_versions(("triton", *packages)),
    )


def num_sets(bytes_each: float) -> int:
    """Sets of weights that together exceed what the caches could hold."""
    return int(MIN_BYTES // bytes_each) + 1


def measure_tokens(
    module: str,
    measure: Callable[[int, torch.device, int, float], list[Measurement]],
    *,
    description: str,
    tokens: Sequence[int],
    multiple: int,
    most: int,
    seed: int,
    argv: Sequence[str] | None,
) -> int:
    """The command line of a benchmark that measures numbers of tokens.

    Args:
        module: Its name, for the command in the rows.
        measure: Takes tokens, device, repeats and the speed of a copy in bytes per second.
        description: For `--help`.
        tokens: What is measured unless told otherwise.
        multiple: Of which each must be one.
        most: Tokens that the kernels take at a time.
        seed: Of the operands.
        argv: Arguments, or None for the process's own.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tokens", type=int, nargs="+", default=list(tokens))
    parser.add_argument("--repeats", type=int, default=49)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the measured commit, where git cannot tell")
    parser.add_argument("--results", type=Path, help="another results folder")
    options = parser.parse_args(argv)
    wrong = [each for each in options.tokens if not 0 < each <= most or each % multiple]
    if wrong:
        parser.error(f"{wrong[0]} tokens; give multiples of {multiple} up to {most}")
    device = torch.device("cuda")
    reason = "there is no CUDA device" if not torch.cuda.is_available() else None
    reason = reason or hopper.why_unavailable(device)
    if reason:
        raise SystemExit(f"nothing to measure: {reason}")
    copy_speed = copy_bytes_per_second(device)
    measurements: list[Measurement] = []
    with progress_bar("measuring", total=len(options.tokens)) as advance:
        for count in options.tokens:
            measurements += measure(count, device, options.repeats, copy_speed)
            torch.cuda.empty_cache()
            advance(1)
    for each in measurements:
        print(f"{each.metric:40s} {each.value:8.2f} us [{each.low:.2f}, {each.high:.2f}]")
        print(f"  {each.notes}", file=sys.stderr)
    if options.write:
        command = (
            f"python -m {module} --tokens {' '.join(map(str, options.tokens))} "
            f"--repeats {options.repeats} --write"
        )
        write_rows(
            "kernels",
            measurements,
            command=command,
            seed=seed,
            commit=options.commit,
            results=options.results,
        )
    return 0
