"""A two-GPU slice of Step-3's 2A2F deployment, and what it projects for all 32 GPUs.

Each attention GPU of that deployment does the same work as every other, and so does each FFN GPU:
one of each, at the true per-GPU shapes and with all 61 layers, gives the step time of the whole,
stragglers and jitter among the 32 aside. Transfers are held back to the speed of a 400 Gb/s NIC.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.serving.command import command_of
from benchmarks.serving.gpu_log import PowerLog, gpu_ids
from benchmarks.serving.slice import evidence, pareto
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.naming import device_suffix, kind_of, suffix
from benchmarks.serving.slice.run import Devices, Result, describe, run
from regard.common.repository import repository_root
from regard.common.rows import Measurement, package_versions, write_rows

CAVEAT = (
    "projection: excludes cross-server jitter, stragglers among 32 GPUs, host scheduling, prefill."
)
TPOT_LIMIT = 0.050
NAME = "serving_slice"
BASELINE_PACKAGES = ("fa3-fwd", "sgl-deep-gemm", "apache-tvm-ffi")
BESIDE: dict[str, dict[str, Any]] = {
    "40GBps": {"wire_bytes_per_second": 40e9},
    "nvlink": {"wire_bytes_per_second": 0},
    "in-server": {"in_server_bytes_per_second": 450e9},
    "balanced": {"balanced": True},
    "baseline": {"baseline": True},
}
"""What may be run beside the best, by its row's suffix: another wire, gathering and sums that cross
a server's NVLink before and after the work, equal tokens for all experts, or FlashAttention-3 and
DeepGEMM."""


def measurement(result: Result, checked: str, device: str, *, headline: bool) -> Measurement:
    """The row of one run; the interval is that of single steps.

    Args:
        result: The run.
        checked: What its check found.
        device: The GPUs' name.
        headline: Whether it is the one that stands for its kind; others are named by their size.
    """
    config = result.config
    tokens = config.batch * config.num_microbatches / 2
    times = np.array(result.seconds)
    low, high = (float(tokens / np.percentile(times, q)) for q in (95, 5))
    natural = ", with natural routes" if config.balanced else ""
    kernels = "FlashAttention-3 and DeepGEMM, other kernels as ours; " if config.baseline else ""
    return Measurement(
        metric=f"serving.afd_slice_tokens_per_s_per_gpu{suffix(config, device)}"
        + ("" if headline else f"/{result.name}"),
        value=result.tokens_per_second,
        unit="tokens/s/GPU",
        n=len(times),
        low=low,
        high=high,
        notes=f"{describe(result)}; {kernels}interval: 5th to 95th percentile of steps; wall "
        f"{sum(result.seconds):.0f} s; {checked}{natural}; {CAVEAT}",
        extra_versions=package_versions(
            ("triton", *(BASELINE_PACKAGES if config.baseline else ()))
        ),
    )


def best_of(results: Sequence[Result], kind: str) -> Result | None:
    """The fastest of this kind whose tokens come within the limit."""
    own = [each for each in results if kind_of(each.config) == kind]
    best = pareto.best_within([each.point for each in own], TPOT_LIMIT)
    return next((each for each in own if best and each.name == best.name), None)


def rows(
    results: Sequence[Result], checks: dict[bool, str], device: str, kind: str
) -> list[Measurement]:
    """All runs' rows: the best of this kind has its bare name, and what has the same size beside it
    that of its own kind.
    """
    best = best_of(results, kind)
    return [
        measurement(
            each,
            checks.get(each.config.baseline, "not checked"),
            device,
            headline=best is not None and each.name == best.name,
        )
        for each in results
    ]


def keep(
    folder: Path, results: Sequence[Result], device: str, kind: str, lines: Sequence[str]
) -> None:
    """Writes raw logs: what was printed, each run's stamps and steps, pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in results:
        name = f"{each.name}{suffix(each.config, device).replace('/', '_')}"
        run = {"line": describe(each), "step_seconds": each.seconds}
        if each.evidence:
            evidence.write(folder, name, each.config, each.evidence, run)
    own = [each.point for each in results if kind_of(each.config) == kind]
    ready = [each.point for each in results if each.config.baseline]
    pareto.draw(own, ready, TPOT_LIMIT, folder / "pareto.svg")
    (folder / "run.log").write_text("\n".join(lines) + "\n", encoding="utf-8")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 160])
    parser.add_argument("--microbatches", type=int, nargs="+", default=[3])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument(
        "--beside", nargs="*", choices=BESIDE, default=[],
        help="the best also with another wire, equal tokens for all experts, ready-made kernels",
    )  # fmt: skip
    parser.add_argument(
        "--baseline-batches", type=int, nargs="+", metavar="N",
        help="sizes for --beside baseline, which others may suit better (default: the best's)",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--no-check", action="store_true", help="for trials; writes no row")
    parser.add_argument("--no-profile", action="store_true", help="stamps only, no gap by cause")
    parser.add_argument("--logs", type=Path, help="a folder for stamps, splits and pictures")
    parser.add_argument("--commit", help="what is measured, where there is no git")
    parser.add_argument("--results", type=Path, help="another results folder")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    return parser.parse_args(argv)


def configurations(options: argparse.Namespace) -> list[SliceConfig]:
    """Of the sweep."""
    base = SliceConfig(context=options.context)
    return [
        replace(base, batch=batch, num_microbatches=count)
        for count in options.microbatches
        for batch in options.batches
    ]


class Record:
    """What was said and measured; on disk whatever fails later."""

    def __init__(self, options: argparse.Namespace, command: str) -> None:
        """Of a run with these options."""
        self.options, self.command = options, command
        self.kind = kind_of(configurations(options)[0])
        """What sets the sweep apart from the plain case."""
        self.begun = datetime.now(UTC).strftime("%Y-%m-%dT%H%M")
        self.results: list[Result] = []
        self.checks: dict[bool, str] = {}
        """What the checks of our kernels (False) and of the baseline's found."""
        self.lines: list[str] = []
        self._num_written = 0

    @property
    def is_written(self) -> bool:
        """Whether rows are."""
        return self.options.write and not self.options.no_check

    @property
    def folder(self) -> Path | None:
        """Of logs and pictures; none for a trial that names none."""
        if self.options.logs or not self.is_written:
            return self.options.logs
        own = device_suffix(torch.cuda.get_device_name(0)).replace("/", "-")
        results = self.options.results or repository_root() / "results"
        return results / NAME / f"{self.begun}{own}"

    def say(self, text: str) -> None:
        """Prints, and keeps for the log."""
        print(text, flush=True)
        self.lines.append(text)

    def save(self) -> None:
        """Says how all compare; writes log, pictures, and rows that were not written before."""
        points = [
            replace(each.point, name=each.name + kind_of(each.config)) for each in self.results
        ]
        self.say(pareto.table(points, TPOT_LIMIT))
        options, device = self.options, torch.cuda.get_device_name(0)
        if self.folder:
            keep(self.folder, self.results, device, self.kind, self.lines)
        found = rows(self.results, self.checks, device, self.kind)[self._num_written :]
        if self.is_written and found:
            write_rows(
                NAME, found, command=self.command, seed=SliceConfig.seed,
                commit=options.commit, results=options.results,
            )  # fmt: skip
        self._num_written = len(self.results)


def sweep(configs: Sequence[SliceConfig], devices: Devices, record: Record) -> None:
    """Runs one configuration after the other, and says which do not fit."""
    copy_speeds = evidence.copy_speeds_of(devices)
    record.say(f"copies: {', '.join(f'{speed / 1e12:.2f} TB/s' for speed in copy_speeds)}")
    profiled = not record.options.no_profile
    for config in configs:
        kind = "baseline " if config.baseline else ""
        try:
            found = run(config, record.options.seconds, devices, copy_speeds, profiled=profiled)
        except torch.OutOfMemoryError as error:
            first = str(error).splitlines()[0]
            record.say(f"{kind}{config.num_microbatches} x {config.batch}: {first}")
        else:
            record.results.append(found)
            record.say(kind + describe(found))
            if found.evidence:
                record.say(evidence.describe(config, found.evidence))
        gc.collect()
        torch.cuda.empty_cache()


def measure(configs: Sequence[SliceConfig], devices: Devices, record: Record) -> None:
    """Checks the kernels unless that was done, and runs the configurations."""
    from benchmarks.serving.slice.check import check

    is_baseline = configs[0].baseline
    if not record.options.no_check and is_baseline not in record.checks:
        largest = max(configs, key=lambda each: each.batch)
        record.checks[is_baseline] = check(largest, *devices)
        record.say(record.checks[is_baseline])
    sweep(configs, devices, record)


def beside(
    name: str, best: SliceConfig, baseline_batches: Sequence[int] | None
) -> list[SliceConfig]:
    """What runs beside the best: of its size, or the baseline of sizes of its own."""
    config = replace(best, **BESIDE[name])
    if name != "baseline" or not baseline_batches:
        return [config]
    return [replace(config, batch=batch) for batch in baseline_batches]


def measure_all(devices: Devices, record: Record) -> None:
    """The sweep, then what is asked for beside its best."""
    options = record.options
    configs = configurations(options)
    try:
        measure(configs, devices, record)
    finally:
        record.save()
    best = best_of(record.results, record.kind)
    at = best.config if best else configs[0]
    # The ready-made kernels last: their failures take nothing with them.
    for name in sorted(options.beside, key=list(BESIDE).index):
        try:
            measure(beside(name, at, options.baseline_batches), devices, record)
        except (RuntimeError, SystemExit) as error:
            record.say(f"no {name}: {error}")
        finally:
            record.save()


def main(argv: Sequence[str] | None = None) -> int:
    """Check, measure, print, and write rows where asked."""
    options = parse(argv)
    if options.baseline_batches and "baseline" not in options.beside:
        raise SystemExit("--baseline-batches: give --beside baseline too")
    if torch.cuda.device_count() != 2:
        raise SystemExit(f"{torch.cuda.device_count()} CUDA devices are visible; the slice takes 2")
    if "baseline" in options.beside:
        from benchmarks.serving.slice.baseline import why_unavailable

        if reason := why_unavailable():
            raise SystemExit(f"no baseline: {reason}")
    record = Record(options, command_of("benchmarks.serving.afd_slice", argv or sys.argv[1:]))
    devices = (torch.device("cuda:0"), torch.device("cuda:1"))
    record.say(f"GPUs {gpu_ids()}")
    with PowerLog(record.folder / "power.csv" if record.folder else None):
        measure_all(devices, record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
