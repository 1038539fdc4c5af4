"""Slower wires, more micro-batches: measured step times of 1A1F, and what the simulator foretells.

The delay is each way, in units of the attention stage of all rows as one micro-batch. In each turn
the simulator is fed with the trace of a run of as many micro-batches without delay, and its
predictions are compared with other runs.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.serving.afd_setup import SEED, add_options, describe, engine_config, write
from regard.common.progress import progress_bar
from regard.common.rows import Measurement
from regard.common.statistics import bootstrap_interval
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.idleness import steps_of
from regard.serving.afd.service import make_service
from regard.serving.afd.simulation.fit import config_from_trace
from regard.serving.afd.simulation.prediction import predict
from regard.serving.afd.trace import NS_PER_US, Span
from regard.serving.afd.trace_file import Trace, read_trace
from regard.serving.config import EngineConfig
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams
from regard.serving.server.contract import ServingEngine

NUM_REQUESTS = 24
NUM_TOKENS = 40
MICROBATCHES = (1, 2, 3)
DELAYS = (0.0, 0.5, 1.0)

Setting = tuple[int, float]
"""Micro-batches, delay in attention stages."""


@dataclass
class Measured:
    """What the runs of one benchmark gave, a value for each turn."""

    setup: str
    """Model, mode and threads."""
    stage_us: float
    """The attention stage that delays are counted in."""
    step_ms: dict[Setting, list[float]] = field(default_factory=dict)
    """The median step of each run."""
    predicted_ms: dict[Setting, list[float]] = field(default_factory=dict)
    """What the simulator says, from another run of the same turn."""


async def decode_together(engine: ServingEngine) -> None:
    """All requests at once, to the end."""
    params = SamplingParams(temperature=0.0, max_tokens=NUM_TOKENS, ignore_eos=True)

    async def ask(number: int) -> None:
        prompt = tuple(range(1000 + 20 * number, 1008 + 20 * number))
        async for _ in engine.generate(GenerationRequest(str(number), prompt, params)):
            pass

    await asyncio.gather(*(ask(number) for number in range(NUM_REQUESTS)))


async def traced_run(config: EngineConfig, microbatches: int, delay_us: float) -> Trace:
    """The steps of one run in which every request decodes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        afd = AfdConfig(
            afd="1A1F", microbatches=microbatches, afd_link_delay_us=delay_us, trace=path
        )
        engine = make_service(config, afd)
        await engine.start()
        await decode_together(engine)
        await engine.stop(0)
        trace = read_trace(path)
    return Trace(info=trace.info, spans=decoding_steps(trace.spans))


def decoding_steps(spans: Sequence[Span]) -> list[Span]:
    """The spans of steps with a row for each request."""
    full = {span.step for span in spans if span.stage == "other" and span.rows == NUM_REQUESTS}
    return [span for span in spans if span.step in full]


def median_step_ms(trace: Trace) -> float:
    """From embedding to sampling."""
    steps = steps_of(trace.spans)
    return statistics.median(each.end_ns - each.start_ns for each in steps) / NS_PER_US / 1e3


def predicted_step_ms(trace: Trace, delay_us: float) -> float:
    """The simulator's step time with a delay each way, from a run without."""
    config = config_from_trace(trace)
    delayed = replace(
        config,
        link_out=replace(config.link_out, constant_us=delay_us),
        link_back=replace(config.link_back, constant_us=delay_us),
        num_steps=100,
        seed=SEED,
    )
    return predict(delayed).step_ms


def attention_stage_us(config: EngineConfig) -> float:
    """The unit of delays: attention of one layer on all rows."""
    trace = asyncio.run(traced_run(config, 1, 0.0))
    stages = [span.duration_ns for span in trace.spans if span.stage == "attention"]
    return statistics.median(stages) / NS_PER_US


def measure(config: EngineConfig, turns: int) -> Measured:
    """Every setting once a turn, so that a slow minute meets them all."""
    measured = Measured(describe(config), attention_stage_us(config))
    with progress_bar("runs", total=turns * len(MICROBATCHES) * (1 + len(DELAYS))) as advance:
        for _ in range(turns):
            for microbatches in MICROBATCHES:
                fed = asyncio.run(traced_run(config, microbatches, 0.0))
                advance(1)
                for delay in DELAYS:
                    delay_us, setting = delay * measured.stage_us, (microbatches, delay)
                    run = asyncio.run(traced_run(config, microbatches, delay_us))
                    measured.step_ms.setdefault(setting, []).append(median_step_ms(run))
                    predicted = predicted_step_ms(fed, delay_us)
                    measured.predicted_ms.setdefault(setting, []).append(predicted)
                    advance(1)
    return measured


def summarise(measured: Measured) -> list[Measurement]:
    """Step times over that of one micro-batch, and the simulator's errors."""
    setup = (
        f"1A1F over loopback tcp, {NUM_REQUESTS} requests, {measured.setup}; delay each way "
        f"in attention stages of all rows at once ({measured.stage_us:.0f} us)"
    )
    rows = []
    for setting, times in measured.step_ms.items():
        microbatches, delay = setting
        own, predicted = statistics.median(times), measured.predicted_ms[setting]
        name = f"{microbatches}_microbatches/delay_{delay:g}"
        notes = (
            f"{setup}; median of {len(times)} runs {own:.1f} ms, "
            f"simulated {statistics.median(predicted):.1f} ms"
        )
        if microbatches > 1:
            pairs = zip(times, measured.step_ms[1, delay], strict=True)
            ratios = [mine / one for mine, one in pairs]
            rows.append(
                _row(f"serving.afd_step_over_one/{name}", ratios, f"step over that of one; {notes}")
            )
        pairs = zip(predicted, times, strict=True)
        errors = [simulated / run - 1 for simulated, run in pairs]
        rows.append(
            _row(f"serving.afd_simulation_error/{name}", errors, f"simulated/run - 1; {notes}")
        )
    return rows


def _row(metric: str, values: Sequence[float], notes: str) -> Measurement:
    interval = bootstrap_interval(values, seed=SEED, statistic=statistics.median)
    return Measurement(
        metric=metric,
        value=statistics.median(values),
        unit="1",
        n=len(values),
        low=interval.low,
        high=interval.high,
        notes=f"{notes}; 95 % bootstrap",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10, help="runs of each setting")
    add_options(parser)
    options = parser.parse_args(argv)
    rows = summarise(measure(engine_config(options), options.turns))
    for row in rows:
        print(f"{row.metric} {row.value:+.3f} [{row.low:+.3f}, {row.high:+.3f}] {row.notes}")
    write(rows, options, f"python -m benchmarks.serving.afd_link_delay --turns {options.turns}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
