"""Time to the first token of a 1,000-token prompt, and of the same prompt again."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

from regard.common.rows import Measurement, write_rows
from regard.common.statistics import bootstrap_interval, median_with_percentiles
from regard.serving.async_engine import AsyncEngine
from regard.serving.config import EngineConfig
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams

SEED = 0
PROMPT_TOKENS = 1000
PARAMS = SamplingParams(temperature=0.0, max_tokens=16, ignore_eos=True)


async def first_token_seconds(
    engine: AsyncEngine, name: str, prompt: Sequence[int]
) -> tuple[float, list[int]]:
    """Seconds to the first token, and all tokens."""
    started = time.perf_counter()
    seconds, tokens = 0.0, []
    async for output in engine.generate(GenerationRequest(name, tuple(prompt), PARAMS)):
        seconds = seconds or time.perf_counter() - started
        tokens += output.token_ids
    return seconds, tokens


async def measure(num_prompts: int) -> list[tuple[float, float]]:
    """(first, second) seconds of each prompt."""
    engine = AsyncEngine.from_config(EngineConfig())
    await engine.start()
    rng = random.Random(SEED)
    pairs = []
    for number in range(num_prompts + 1):
        prompt = [rng.randrange(1000, engine.tokenizer.vocab_size) for _ in range(PROMPT_TOKENS)]
        first, tokens = await first_token_seconds(engine, f"{number}a", prompt)
        second, again = await first_token_seconds(engine, f"{number}b", prompt)
        if again != tokens:
            raise RuntimeError(f"prompt {number}: the cached answer differs")
        if number:
            pairs.append((first, second))
    await engine.stop(grace_seconds=0)
    return pairs


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return median_with_percentiles(values).value


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    pairs = asyncio.run(measure(options.prompts))
    ratios = [second / first for first, second in pairs]
    interval = bootstrap_interval(ratios, seed=SEED, statistic=median)
    seconds = ", ".join(f"{median(column):.3f} s" for column in zip(*pairs, strict=True))
    row = Measurement(
        metric="serving.prefix_cache_ttft_ratio",
        value=median(ratios),
        unit="1",
        n=len(ratios),
        low=interval.low,
        high=interval.high,
        notes=f"second / first time to first token of a {PROMPT_TOKENS}-token prompt, fast mode, "
        f"medians {seconds}; all tokens equal; largest ratio {max(ratios):.3f}; 95 % bootstrap",
    )
    print(f"{row.metric} {row.value:.4f} [{row.low:.4f}, {row.high:.4f}] {row.notes}")
    if options.write:
        command = f"python -m benchmarks.serving.prefix_cache --prompts {options.prompts} --write"
        write_rows("serving_cpu", [row], command=command, seed=SEED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
