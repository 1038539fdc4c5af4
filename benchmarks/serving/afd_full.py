"""The whole of Step-3 on one host: all layers and experts, either side on GPUs of its own.

Weights are random, block-FP8, drawn on the GPUs from a seed; nothing is synthesised and no wire is
injected: messages and results cross NVLink. Nothing is timed before the checks have passed.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import torch

from benchmarks.serving.command import command_of
from benchmarks.serving.full.build import build_step
from benchmarks.serving.full.check import CheckError, Devices, check_layers, check_topologies
from benchmarks.serving.full.config import FullConfig, SettingError
from benchmarks.serving.full.host import MOST_SIDES, Host, Log
from benchmarks.serving.full.options import base_config, cases, parser, topologies
from benchmarks.serving.full.prediction import (
    Prediction,
    case_name,
    kind_of,
    predict_case,
    read_predictions,
    write_predictions,
)
from benchmarks.serving.full.result_rows import measurements
from benchmarks.serving.full.stages import measure_stages
from benchmarks.serving.full.timing import Timing, time_steps
from benchmarks.serving.full.trip import measure_trip
from benchmarks.serving.full.weights import Weights, draw_weights
from benchmarks.serving.gpu_log import PowerLog, gpu_ids
from regard.common.rows import Measurement, read_rows, write_rows
from regard.serving.afd.trace_file import TraceInfo, write_trace
from regard.serving.cost.accelerators import shipped_accelerators

STAGE_REPEATS = 49
WARM_UP_SECONDS = 3.0
"""GPUs that come to the limit of their power take about so long to settle."""


def check(options: argparse.Namespace, host: Host, log: Log) -> str:
    """Both checks; returns what they say for the notes.

    Raises:
        CheckError: Something is wrong.
    """
    config = base_config(options)
    devices = host.pick(options.attention, options.ffn)
    layers = check_layers(config, host.machine, devices, host.operators())
    log(layers)
    free()
    most = MOST_SIDES if options.one_gpu else host.num_devices
    wanted = topologies(options, most)
    same = check_topologies(config, wanted, host.machine, host.pick)
    log(same)
    free()
    return f"{layers}; {same}"


def free() -> None:
    """Gives back what is no longer held, before more is allocated."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def time_case(
    config: FullConfig,
    host: Host,
    devices: Devices,
    weights: Weights,
    options: argparse.Namespace,
) -> Timing:
    """One case, beside weights that are there."""
    machine = host.machine(devices)
    step = build_step(config, machine, devices, weights, host.operators())
    warm_up = 0.0 if host.is_cpu else WARM_UP_SECONDS
    return time_steps(step, options.steps, graphs=not options.eager, warm_up=warm_up)


def time_cases(
    options: argparse.Namespace, wanted: Sequence[FullConfig], host: Host, log: Log, checked: str
) -> Iterator[list[Measurement]]:
    """Draws weights once, then times case by case: the rows of each as soon as they are there."""
    devices = host.pick(options.attention, options.ffn)
    begin = time.perf_counter()
    weights = draw_weights(base_config(options), *devices)
    host.synchronize()
    log(f"weights drawn in {time.perf_counter() - begin:.1f} s")
    known = read_predictions(options.prediction) if options.prediction else {}
    for config in wanted:
        prediction: Prediction | None = known.get(
            (case_name(config), kind_of(host.name) or options.kind)
        )
        timing = time_case(config, host, devices, weights, options)
        log(timing.describe())
        log(json.dumps({"case": case_name(config), "seconds": timing.seconds}), shown=False)
        if prediction is not None:
            log(f"  {prediction.note(timing.tpot * 1e3)}")
        yield measurements(timing, checked, prediction, host.name)
        if options.trace:
            write_timeline(timing, options, host)
        free()


def write_timeline(timing: Timing, options: argparse.Namespace, host: Host) -> None:
    """The stages of a case as a trace."""
    config = timing.config
    info = TraceInfo(
        source="run",
        num_attention=config.num_attention,
        num_ffn=config.num_ffn,
        num_layers=config.num_layers,
        num_microbatches=config.num_microbatches,
        notes=f"afd_full {case_name(config)}, {host.name}, steps with marks",
    )
    write_trace(options.trace, timing.spans, info)


def time_stages(
    options: argparse.Namespace, wanted: Sequence[FullConfig], host: Host, log: Log
) -> Iterator[list[Measurement]]:
    """Stages that compute, on one GPU; trips too where all GPUs of the case are there."""
    written: set[str] = set()
    # No stage depends on the number of micro-batches.
    for config in dict.fromkeys(replace(each, num_microbatches=1) for each in wanted):
        made = measure_stages(config, torch.device("cuda", 0), host.operators(), STAGE_REPEATS)
        free()
        if host.num_devices >= config.num_gpus:
            devices = host.pick(config.num_attention, config.num_ffn)
            made.append(measure_trip(config, host.machine(devices), devices, STAGE_REPEATS))
            free()
        # All but attention are the same with another context.
        new = [each for each in made if each.metric not in written]
        written.update(each.metric for each in new)
        for each in new:
            log(f"{each.metric} {each.value:.2f} us [{each.low:.2f}, {each.high:.2f}]")
        yield new


def predict(options: argparse.Namespace, log: Log) -> None:
    """Writes down what is said of each case, and which rows that lacks."""
    memory = shipped_accelerators()[options.kind].memory_bytes
    if options.memory:
        memory = options.memory * 1e9
    rows = read_rows(options.results)
    made = [predict_case(each, options.kind, rows) for each in cases(options, memory)]
    write_predictions(options.predict, made)
    for each in made:
        figures = ", ".join(
            f"{name} {'none' if value is None else f'{value:.2f} ms'}"
            for name, value in (("simulator", each.simulator_ms), ("planner", each.planner_ms))
        )
        log(f"{each.case} on {each.kind}: {figures}")
        for row in each.missing:
            log(f"  missing: {row}")


def run(options: argparse.Namespace, log: Log, command: str) -> None:
    """What the options say."""
    if options.predict:
        predict(options, log)
        return
    host = Host(options)
    if not host.is_cpu:
        log(f"GPUs {gpu_ids()}", shown=False)
    if options.check:
        check(options, host, log)
        return
    wanted = cases(options, options.memory * 1e9 if options.memory else host.memory)
    if options.stages:
        made = time_stages(options, wanted, host, log)
    else:
        checked = "not checked" if options.no_check else check(options, host, log)
        made = time_cases(options, wanted, host, log, checked)
    # A run that ends early leaves the rows of what was done.
    for rows in made:
        if options.write:
            write_rows(
                "serving_afd_full", rows, command=command, seed=options.seed,
                commit=options.commit, results=options.results,
            )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Predict, check, time stages or whole steps; print, and write rows where asked."""
    given = list(sys.argv[1:] if argv is None else argv)
    made = parser(__doc__)
    options = made.parse_args(given)
    trial = options.no_check or options.eager or options.one_gpu or options.device == "cpu"
    if options.write and (trial or options.model != "step3"):
        made.error("--write: a dry run, an eager, unchecked or smaller one writes no row")
    if options.stages and options.device == "cpu":
        made.error("--stages: stages are timed on GPUs")
    command = command_of("benchmarks.serving.afd_full", given)
    log = Log(options.log)
    log(f"{datetime.now(UTC).isoformat(timespec='seconds')} {command}", shown=False)
    is_logged = options.log and options.device == "cuda"
    try:
        with PowerLog(options.log.with_suffix(".power.csv") if is_logged else None):
            run(options, log, command)
    except SettingError as error:
        made.error(str(error))
    except CheckError as error:
        print(f"nothing was timed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
