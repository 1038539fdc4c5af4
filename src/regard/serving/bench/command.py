"""`regard bench`: which benchmark to run."""

import importlib
import sys
from collections.abc import Sequence
from types import MappingProxyType

EXIT_OK = 0
EXIT_USAGE = 2

BENCHMARKS = MappingProxyType(
    {
        "offline": "tokens/s of the engine in this process, at several concurrencies",
        "serve": "load on a running server: latencies, requests/s, tokens/s",
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one benchmark and returns its exit status."""
    arguments = list(argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help_text())
        return EXIT_OK if arguments else EXIT_USAGE
    name = arguments[0]
    if name not in BENCHMARKS:
        print(
            f"error: unknown benchmark {name!r}; choose one of: {', '.join(BENCHMARKS)}",
            file=sys.stderr,
        )
        return EXIT_USAGE
    module = importlib.import_module(f"regard.serving.bench.{name}")
    return int(module.main(arguments[1:]))


def _help_text() -> str:
    width = max(map(len, BENCHMARKS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in BENCHMARKS.items()]
    return "\n".join(
        [
            "usage: regard bench <benchmark> ... [--help]",
            "",
            "benchmarks:",
            *lines,
            "",
            "example: regard bench offline --concurrency 1 8",
        ]
    )
