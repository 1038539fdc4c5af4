"""Mixed load with random disconnects: every block comes back and memory stays level."""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

import httpx

from benchmarks.serving.server_process import ServerProcess
from regard.common.rows import Measurement, write_rows

SEED = 0
NUM_CLIENTS = 24
# Pages of the cache cost memory when first used: a small cache is all in use after the warm-up.
OPTIONS = ("--kv-cache-memory-gib", "0.5")
WARM_UP_SHARE = 0.2
"""Part of the run after which memory is first read: caches and arenas have filled by then."""


def body(rng: random.Random) -> dict[str, object]:
    """A random chat request: long and short, greedy and drawn, structured, several at once."""
    words = " ".join(
        rng.choice(["robot", "cup", "tea", "blue", "left", "shelf"])
        for _ in range(rng.choice([3, 40, 300]))
    )
    request: dict[str, object] = {
        "model": "smollm2-135m-instruct",
        "messages": [{"role": "user", "content": words}],
        "max_tokens": rng.choice([1, 8, 32, 96]),
        "temperature": rng.choice([0.0, 0.7, 1.0]),
        "stream": rng.random() < 0.7,
    }
    extra: list[dict[str, object]] = [
        {},
        {},
        {"n": 3},
        {"seed": 7, "top_p": 0.9},
        {"logprobs": True, "top_logprobs": 3},
        {"stop": ["."]},
        {"response_format": {"type": "json_object"}},
        {"guided_regex": "[a-f]{4,9}"},
        {"frequency_penalty": 0.5, "presence_penalty": 0.5},
    ]
    return request | rng.choice(extra)


async def one(client: httpx.AsyncClient, rng: random.Random) -> str:
    """Send a request; leave some of them midway. What became of it."""
    request = body(rng)
    leaves = rng.random() < 0.3
    try:
        async with client.stream("POST", "/v1/chat/completions", json=request) as response:
            if response.status_code != 200:
                return str(response.status_code)
            async for _ in response.aiter_bytes():
                if leaves and rng.random() < 0.2:
                    return "left"
        return "answered"
    except httpx.TimeoutException:
        return "timed out"


async def load(url: str, seconds: float, server: ServerProcess) -> tuple[Counter[str], float]:
    """Run the clients; outcomes, and memory after the warm-up in MiB."""
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=httpx.Limits()) as client:

        async def keep_asking(number: int) -> None:
            rng = random.Random(SEED + number)
            while time.monotonic() < end:
                outcomes[await one(client, rng)] += 1

        async def watch() -> float:
            await asyncio.sleep(seconds * WARM_UP_SHARE)
            return server.resident_mib()

        results = await asyncio.gather(watch(), *(keep_asking(i) for i in range(NUM_CLIENTS)))
    return outcomes, results[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write rows where asked; status 1 if blocks are lost or a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    with ServerProcess(*OPTIONS) as server:
        outcomes, before = asyncio.run(load(server.url, options.minutes * 60, server))
        time.sleep(2)
        after, lost = server.resident_mib(), server.metric("kv_cache_usage")
        running = server.metric("num_requests_running") + server.metric("num_requests_waiting")
        failures = server.metric("step_failures_total")
        status = server.stop()
    total = outcomes.total()
    shape = (
        f"{options.minutes:g} min, {' '.join(OPTIONS)}, {NUM_CLIENTS} clients, {total} requests: "
        f"{dict(sorted(outcomes.items()))}; {failures:.0f} failed steps; exit status {status}"
    )
    rows = [
        Measurement(
            metric="serving.soak_kv_usage_after", value=lost, unit="1", n=total, notes=shape
        ),
        Measurement(
            metric="serving.soak_memory_growth",
            value=after - before,
            unit="MiB",
            n=total,
            notes=f"resident {before:.0f} MiB after a fifth of it, {after:.0f} at its end; {shape}",
        ),
    ]
    for row in rows:
        print(f"{row.metric} {row.value:.3f} {row.unit} {row.notes}")
    if options.write:
        command = f"python -m benchmarks.serving.soak --minutes {options.minutes:g} --write"
        write_rows("serving_cpu", rows, command=command, seed=SEED)
    bad = [name for name in outcomes if name not in ("answered", "left")]
    return 0 if not (lost or running or failures or status or bad) else 1


if __name__ == "__main__":
    sys.exit(main())
