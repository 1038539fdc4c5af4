"""Decode speed beside transformers and llama.cpp: same weights, same prompts, one run.

Every engine lives in a process of its own and works alone, in turns: A B C D, A B C D, ...
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.serving.peers import PEERS
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.common.statistics import bootstrap_interval

SUBJECTS = (
    "tides lamps bread glaciers kites maps bees rivers chess wool bells moss radios salt ink owls"
)
SEED = 0


def prompts(count: int) -> list[str]:
    """Different prompts of about ten tokens."""
    return [f"Here is a short text about {subject}:" for subject in SUBJECTS.split()[:count]]


def work(name: str) -> None:
    """A worker: one line of JSON in, one out."""
    peer = PEERS[name]()
    answer = sys.stdout
    # Libraries print to standard output; the answers go to what it was.
    sys.stdout = sys.stderr
    print(json.dumps({"weight_bytes": peer.weight_bytes}), file=answer, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        started = time.perf_counter()
        num_tokens = peer.generate(prompts(order["concurrency"]), order["num_tokens"])
        seconds = time.perf_counter() - started
        print(json.dumps({"tokens": num_tokens, "seconds": seconds}), file=answer, flush=True)


class Worker:
    """The other end of `work`."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, "-m", "benchmarks.serving.compare_cpu", "--worker", name]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.weight_bytes = int(self._answer()["weight_bytes"])

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def tokens_per_second(self, concurrency: int, num_tokens: int) -> float:
        """One round."""
        assert self._process.stdin is not None
        order = {"concurrency": concurrency, "num_tokens": num_tokens}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert answer["tokens"] == concurrency * num_tokens, answer
        return float(answer["tokens"] / answer["seconds"])

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended: {self._process.args}")
        return dict(json.loads(line))


def median(values: Sequence[float]) -> float:
    """The middle value."""
    ordered = sorted(values)
    return 0.5 * (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])


def measure(
    repeats: int, num_tokens: int, concurrencies: Sequence[int]
) -> tuple[dict[tuple[str, int], list[float]], dict[str, int]]:
    """Tokens per second of each (engine, concurrency), one value a repeat; weight bytes."""
    speeds: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name)) for name in PEERS}
        total = (repeats + 1) * len(workers) * len(concurrencies)
        with progress_bar("comparing", total=total) as advance:
            # The first round warms up and is not counted.
            for repeat in range(repeats + 1):
                for concurrency in concurrencies:
                    for name, worker in workers.items():
                        speed = worker.tokens_per_second(concurrency, num_tokens)
                        if repeat:
                            speeds.setdefault((name, concurrency), []).append(speed)
                        advance(1)
        return speeds, {name: worker.weight_bytes for name, worker in workers.items()}


def summarise(
    speeds: dict[tuple[str, int], list[float]], weight_bytes: dict[str, int]
) -> list[Measurement]:
    """Rows: each engine's speed, and this engine's ratio to each other, repeat by repeat."""
    rows = []
    for (name, concurrency), values in speeds.items():
        interval = bootstrap_interval(values, seed=SEED, statistic=median)
        rows.append(
            Measurement(
                metric=f"serving.cpu_decode_tokens_per_s.{name}.{concurrency}",
                value=median(values),
                unit="tokens/s",
                n=len(values),
                low=interval.low,
                high=interval.high,
                notes=f"median, 95 % bootstrap; {weight_bytes[name] / 1e6:.0f} MB of weights read "
                "for each decode step; prompts of about ten tokens included",
            )
        )
        if name == "regard":
            continue
        ratios = [a / b for a, b in zip(speeds["regard", concurrency], values, strict=True)]
        interval = bootstrap_interval(ratios, seed=SEED, statistic=median)
        rows.append(
            Measurement(
                metric=f"serving.cpu_decode_ratio.regard_over_{name}.{concurrency}",
                value=median(ratios),
                unit="1",
                n=len(ratios),
                low=interval.low,
                high=interval.high,
                notes="median of ratios taken repeat by repeat in one run, 95 % bootstrap",
            )
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--num-tokens", type=int, default=64)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    if options.worker:
        work(options.worker)
        return 0
    measurements = summarise(*measure(options.repeats, options.num_tokens, options.concurrency))
    for row in measurements:
        print(f"{row.metric:60s} {row.value:8.2f} {row.unit:9s} [{row.low:.2f}, {row.high:.2f}]")
    if options.write:
        concurrency = " ".join(map(str, options.concurrency))
        command = (
            f"python -m benchmarks.serving.compare_cpu --repeats {options.repeats} "
            f"--num-tokens {options.num_tokens} --concurrency {concurrency} --write"
        )
        write_rows("serving_cpu", measurements, command=command, seed=SEED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
