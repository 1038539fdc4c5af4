"""schemathesis against the real server's OpenAPI document: thousands of requests, no 5xx."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.serving.server_process import ServerProcess
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from tests.serving.server.fuzzing import fuzz_document, fuzz_engine

API_KEY = "fuzz"
# Short answers: what is tried is the server's reaction, not how long a model can talk. Pages of
# the cache cost memory when first used: a small one is all in use after the first round.
OPTIONS = ("--api-key", API_KEY, "--max-model-len", "128", "--kv-cache-memory-gib", "0.1")


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write rows where asked; status 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--examples", type=int, default=40, help="for each operation and round")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    num_cases, failures, seed = 0, [], 0
    with ServerProcess(*OPTIONS) as server, tempfile.TemporaryDirectory() as folder:
        with progress_bar("fuzzing", total=options.cases) as advance:
            before = 0.0
            while num_cases < options.cases:
                run = fuzz_document if seed % 2 == 0 else fuzz_engine
                report = run(
                    server.url,
                    api_key=API_KEY,
                    max_examples=options.examples,
                    seed=seed,
                    folder=Path(folder),
                )
                num_cases, seed = num_cases + report.num_cases, seed + 1
                advance(report.num_cases)
                before = before or server.resident_mib()
                if not report.has_passed:
                    failures.append(report.text)
        grown = server.resident_mib() - before
        held = server.metric("kv_cache_usage")
        status = server.stop()
    shape = (
        f"schemathesis, all checks but acceptance of good-looking data, rounds of seeds 0 to "
        f"{seed - 1}; KV usage after {held:g}, memory grown by {grown:.0f} MiB since the first "
        f"round, exit status {status}"
    )
    rows = [
        Measurement(
            metric="serving.fuzz_failed_rounds",
            value=len(failures),
            unit="rounds",
            n=num_cases,
            notes=f"{num_cases} requests; {shape}",
        )
    ]
    for failure in failures:
        print(failure)
    print(f"{rows[0].metric} {rows[0].value:g} {rows[0].notes}")
    if options.write:
        command = f"python -m benchmarks.serving.fuzz --cases {options.cases} --write"
        write_rows("serving_cpu", rows, command=command, seed=0)
    return 0 if not (failures or held or status) else 1


if __name__ == "__main__":
    sys.exit(main())
