"""`regard serve` on one GPU against the memory floor: Llama-8B's shape, random BF16 weights.

A decode step must read every weight but the input embedding, and the keys and values of all
sequences; at the memory's nominal bandwidth that is the floor. A client streams all answers over
HTTP and meanwhile reads the server's count of tokens; only readings at which every request decodes
are used.
"""

import argparse
import asyncio
import math
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from benchmarks.serving.server_process import ServerProcess
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.models.presets import PRESETS
from regard.serving.models.weights import tensor_shapes

SEED = 0
MODEL = "llama-8b"
BYTES_PER_VALUE = 2
TOKEN_IDS = 250
SECONDS_BETWEEN_READINGS = 0.1


@dataclass(frozen=True)
class Load:
    """One setting."""

    batch: int
    """Requests at a time."""
    prompt: int
    """Tokens of each prompt."""
    output: int
    """Tokens of each answer."""


LOADS = (Load(1, 128, 400), Load(128, 2048, 200))


def floor_seconds(load: Load, context: float, bytes_per_second: float) -> float:
    """What reading weights, keys and values once takes."""
    config = PRESETS[MODEL].config
    shapes = tensor_shapes(config)
    weights = sum(math.prod(shape) for name, shape in shapes.items() if "embed_tokens" not in name)
    per_token = 2 * config.num_layers * config.num_kv_heads * config.head_dim
    values = weights + load.batch * context * per_token
    return values * BYTES_PER_VALUE / bytes_per_second


class Reading(NamedTuple):
    """The server's counters at a moment."""

    seconds: float
    """The client's clock."""
    prompt_tokens: float
    """Of requests with a first token."""
    generated: float
    """Tokens made."""
    running: float
    """Requests in the batch."""


async def read(client: httpx.AsyncClient) -> Reading:
    """What `/metrics` says."""
    page = (await client.get("/metrics")).text
    now = time.perf_counter()
    names = ("prompt_tokens_total", "generation_tokens_total", "num_requests_running")
    values = [re.search(rf"^regard_{name}\{{.*?\}} (\S+)$", page, re.MULTILINE) for name in names]
    return Reading(now, *(float(value.group(1)) for value in values if value))


async def answer(client: httpx.AsyncClient, load: Load, number: int) -> None:
    """Read one streamed answer to its end."""
    body = {
        "model": MODEL,
        "prompt": [(7 * number + place) % TOKEN_IDS for place in range(load.prompt)],
        "max_tokens": load.output,
        "temperature": 0.0,
        "ignore_eos": True,
        "stream": True,
    }
    async with client.stream("POST", "/v1/completions", json=body) as response:
        response.raise_for_status()
        async for _ in response.aiter_bytes():
            pass


async def one_round(url: str, load: Load) -> tuple[float, float]:
    """Seconds a step while all streams decode, and the mean context meanwhile."""
    limits = httpx.Limits(max_connections=load.batch + 1)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        start = await read(client)
        readings = []
        asked = [asyncio.create_task(answer(client, load, i)) for i in range(load.batch)]
        while not all(task.done() for task in asked):
            await asyncio.sleep(SECONDS_BETWEEN_READINGS)
            readings.append(await read(client))
        await asyncio.gather(*asked)
    served = start.prompt_tokens + load.batch * load.prompt
    together = [
        each for each in readings if each.prompt_tokens >= served and each.running >= load.batch
    ]
    first, last = together[0], together[-1]
    made = (first.generated + last.generated) / 2 - start.generated
    steps = (last.generated - first.generated) / load.batch
    return (last.seconds - first.seconds) / steps, load.prompt + made / load.batch


def measure(url: str, load: Load, rounds: int, bytes_per_second: float) -> Measurement:
    """The row of one load: the share of the floor that a step reaches."""
    fractions, steps = [], []
    with progress_bar(f"batch {load.batch}", total=rounds) as advance:
        for _ in range(rounds):
            seconds, context = asyncio.run(one_round(url, load))
            fractions.append(floor_seconds(load, context, bytes_per_second) / seconds)
            steps.append(seconds)
            advance(1)
    return Measurement(
        metric=f"serving.serve_floor_fraction/{load.batch}",
        value=statistics.median(fractions),
        unit="1",
        n=rounds,
        low=min(fractions),
        high=max(fractions),
        notes=f"{MODEL}, random BF16 weights, regard serve over HTTP, streamed; {load.batch} "
        f"requests, prompts of {load.prompt}; step {statistics.median(steps) * 1e3:.2f} ms; floor: "
        "all weights but the input embedding, and all keys and values, at nominal bandwidth "
        f"({bytes_per_second / 1e12:.2f} TB/s); median and range of rounds",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accelerator", default="h100", help="whose nominal bandwidth counts")
    parser.add_argument("--commit", help="what is measured, where there is no git")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    speed = shipped_accelerators()[options.accelerator].memory_bytes_per_second
    rows = []
    server = ServerProcess(
        *("--model", MODEL, "--device", "cuda", "--max-num-seqs", "128"),
        *("--max-model-len", "4096", "--max-num-batched-tokens", "8192"),
    )
    with server:
        for load in LOADS:
            rows.append(measure(server.url, load, options.rounds, speed))
            print(f"{rows[-1].metric} {rows[-1].value:.3f} {rows[-1].notes}", flush=True)
    if options.write:
        command = f"python -m benchmarks.serving.serve_floor --rounds {options.rounds} --write"
        write_rows("serving_gpu", rows, command=command, seed=SEED, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
