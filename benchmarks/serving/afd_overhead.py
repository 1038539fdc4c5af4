"""What parting attention from the feed-forwards costs: 1A1F over loopback TCP against one piece."""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from benchmarks.serving.afd_setup import SEED, add_options, describe, engine_config, write
from regard.common.progress import progress_bar
from regard.common.rows import Measurement
from regard.common.statistics import bootstrap_interval
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.service import make_service
from regard.serving.async_engine import AsyncEngine
from regard.serving.config import EngineConfig
from regard.serving.outputs import GenerationRequest, RequestOutput
from regard.serving.sampling_params import SamplingParams

NUM_TOKENS = 64
CONCURRENCIES = (1, 16)


class Generates(Protocol):
    """Either engine."""

    def generate(self, request: GenerationRequest) -> AsyncIterator[RequestOutput]:
        """Outputs of one request."""
        ...


async def seconds_per_token(engine: Generates, name: str, prompt: Sequence[int]) -> float:
    """Time per output token of one request after its first."""
    params = SamplingParams(temperature=0.0, max_tokens=NUM_TOKENS, ignore_eos=True)
    times = []
    async for _ in engine.generate(GenerationRequest(name, tuple(prompt), params)):
        times.append(time.perf_counter())
    return (times[-1] - times[0]) / (NUM_TOKENS - 1)


async def tpot(engine: Generates, name: str, concurrency: int) -> float:
    """Median over requests that run together."""
    prompts = [range(1000 + 20 * i, 1016 + 20 * i) for i in range(concurrency)]
    return statistics.median(
        await asyncio.gather(
            *(seconds_per_token(engine, f"{name}{i}", list(p)) for i, p in enumerate(prompts))
        )
    )


async def measure(
    config: EngineConfig, rounds: int, afd: AfdConfig
) -> dict[int, list[tuple[float, float]]]:
    """(one piece, 1A1F) seconds of each round and concurrency; the order alternates."""
    whole = AsyncEngine.from_config(config)
    parted = make_service(config, afd)
    await whole.start()
    await parted.start()
    pairs: dict[int, list[tuple[float, float]]] = {each: [] for each in CONCURRENCIES}
    with progress_bar("rounds", total=rounds + 1) as advance:
        for number in range(rounds + 1):
            for concurrency in CONCURRENCIES:
                order = [whole, parted] if number % 2 else [parted, whole]
                taken = {}
                for engine in order:
                    name = f"{number}-{concurrency}-{id(engine)}-"
                    taken[id(engine)] = await tpot(engine, name, concurrency)
                if number:
                    pairs[concurrency].append((taken[id(whole)], taken[id(parted)]))
            advance(1)
    await whole.stop(0)
    await parted.stop(0)
    return pairs


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--microbatches", type=int, default=AfdConfig.microbatches)
    parser.add_argument("--wire", default="auto")
    add_options(parser)
    options = parser.parse_args(argv)
    afd = AfdConfig(afd="1A1F", microbatches=options.microbatches, afd_wire=options.wire)
    config = engine_config(options)
    pairs = asyncio.run(measure(config, options.rounds, afd))
    rows = []
    for concurrency, taken in pairs.items():
        ratios = [parted / whole for whole, parted in taken]
        interval = bootstrap_interval(ratios, seed=SEED, statistic=statistics.median)
        whole, parted = (statistics.median(column) * 1e3 for column in zip(*taken, strict=True))
        rows.append(
            Measurement(
                metric=f"serving.afd_overhead_ratio/{concurrency}",
                value=statistics.median(ratios),
                unit="1",
                n=len(ratios),
                low=interval.low,
                high=interval.high,
                notes=f"TPOT of 1A1F over loopback tcp / one process, {concurrency} requests, "
                f"{describe(config)}, {afd.microbatches} micro-batches, wire {afd.afd_wire}; "
                f"medians {parted:.1f} ms and {whole:.1f} ms; alternating; 95 % bootstrap",
            )
        )
    for row in rows:
        print(f"{row.metric} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] {row.notes}")
    write(rows, options, f"python -m benchmarks.serving.afd_overhead --rounds {options.rounds}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
