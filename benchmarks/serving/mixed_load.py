"""How evenly tokens come while prompts arrive: inter-token p99 over its median, in 1A1F."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.common.statistics import bootstrap_interval
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.service import make_service
from regard.serving.config import EngineConfig
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams
from regard.serving.server.contract import ServingEngine

SEED = 0
NUM_STREAMS = 16
PROMPT_TOKENS = 256
SECONDS_BETWEEN_PROMPTS = 4.0
VOCABULARY = 40_000
UNCAPPED = EngineConfig.max_num_batched_tokens


async def stream(engine: ServingEngine, name: str, until: float, gaps: list[float]) -> None:
    """Decode until a moment, and note the time between tokens."""
    params = SamplingParams(temperature=0.0, max_tokens=4000, ignore_eos=True)
    prompt = tuple(random.Random(name).choices(range(1000, VOCABULARY), k=16))
    last = None
    async for _ in engine.generate(GenerationRequest(name, prompt, params)):
        now = time.perf_counter()
        if last is not None:
            gaps.append(now - last)
        last = now
        if now > until:
            return


async def arrivals(engine: ServingEngine, name: str, until: float, count: list[int]) -> None:
    """Long prompts with short answers, one every few seconds."""
    params = SamplingParams(temperature=0.0, max_tokens=4, ignore_eos=True)
    generator = random.Random(name)
    tasks: set[asyncio.Task[None]] = set()

    async def ask(number: int) -> None:
        prompt = tuple(generator.choices(range(1000, VOCABULARY), k=PROMPT_TOKENS))
        async for _ in engine.generate(GenerationRequest(f"{name}p{number}", prompt, params)):
            pass
        count[0] += 1

    while time.perf_counter() < until:
        await asyncio.sleep(generator.expovariate(1 / SECONDS_BETWEEN_PROMPTS))
        tasks.add(asyncio.create_task(ask(len(tasks))))
    await asyncio.gather(*tasks)


async def one_round(engine: ServingEngine, name: str, seconds: float) -> tuple[list[float], int]:
    """Gaps between tokens of all streams in one round, and the prompts answered meanwhile."""
    until = time.perf_counter() + seconds
    gaps: list[float] = []
    answered = [0]
    streams = [stream(engine, f"{name}s{i}", until, gaps) for i in range(NUM_STREAMS)]
    await asyncio.gather(*streams, arrivals(engine, name, until, answered))
    return gaps, answered[0]


async def measure(
    config: EngineConfig, rounds: int, seconds: float
) -> tuple[list[np.ndarray], list[int]]:
    """Gaps of each round, and the prompts answered in it."""
    engine = make_service(config, AfdConfig(afd="1A1F"))
    await engine.start()
    gaps, answered = [], []
    with progress_bar("rounds", total=rounds) as advance:
        for number in range(rounds):
            found, count = await one_round(engine, f"r{number}", seconds)
            gaps.append(np.array(found))
            answered.append(count)
            advance(1)
    await engine.stop(0)
    return gaps, answered


def ratio(gaps: np.ndarray) -> float:
    """p99 over the median."""
    return float(np.quantile(gaps, 0.99) / np.median(gaps))


def summarise(gaps: Sequence[np.ndarray], answered: Sequence[int], *, cap: str) -> Measurement:
    """The row of one setting."""
    ratios = [ratio(each) for each in gaps]
    interval = bootstrap_interval(ratios, seed=SEED, statistic=np.median)
    together = np.concatenate(gaps)
    p50, p99 = np.quantile(together, (0.5, 0.99)) * 1e3
    return Measurement(
        metric=f"serving.mixed_load_p99_over_median/{cap}",
        value=float(np.median(ratios)),
        unit="1",
        n=len(ratios),
        low=interval.low,
        high=interval.high,
        notes=f"inter-token time of {NUM_STREAMS} streams in 1A1F over loopback tcp while prompts "
        f"of {PROMPT_TOKENS} tokens arrive every {SECONDS_BETWEEN_PROMPTS:g} s (Poisson), "
        f"SmolLM2 Q4_1, fast mode; {len(together)} gaps, {sum(answered)} prompts; "
        f"median {p50:.0f} ms, p99 {p99:.0f} ms; median of rounds, 95 % bootstrap",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure with the default cap and without one, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a round")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    config = EngineConfig()
    settings = {
        "capped": config,
        "uncapped": replace(config, max_num_prefill_tokens=UNCAPPED),
    }
    rows = []
    for cap, each in settings.items():
        gaps, answered = asyncio.run(measure(each, options.rounds, options.seconds))
        rows.append(summarise(gaps, answered, cap=cap))
        print(f"{rows[-1].metric} {rows[-1].value:.2f} {rows[-1].notes}")
    if options.write:
        command = (
            f"python -m benchmarks.serving.mixed_load --rounds {options.rounds} "
            f"--seconds {options.seconds:g} --write"
        )
        write_rows("serving_afd", rows, command=command, seed=SEED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
