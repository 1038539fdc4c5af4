"""`regard bench`: which benchmark to run."""

from collections.abc import Sequence
from types import MappingProxyType

from regard.common.verbs import Verb, VerbTable

BENCHMARKS = MappingProxyType(
    {
        "offline": Verb(
            "regard.serving.bench.offline",
            "tokens/s of the engine in this process, at several concurrencies",
        ),
        "serve": Verb(
            "regard.serving.bench.serve",
            "load on a running server: latencies, requests/s, tokens/s",
        ),
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one benchmark and returns its exit status."""
    table = VerbTable(
        program="regard bench",
        verbs=BENCHMARKS,
        noun="benchmark",
        example="regard bench offline --concurrency 1 8",
    )
    return table.run(argv)
