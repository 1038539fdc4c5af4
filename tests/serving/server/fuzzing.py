"""Runs schemathesis against a server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 280
REQUEST_SECONDS = 20


class FuzzReport(NamedTuple):
    """What a run found."""

    num_cases: int
    """Requests whose answers were checked."""
    has_passed: bool
    """Whether every check passed on every answer."""
    text: str
    """The program's own report."""


def fuzz_document(
    url: str, *, api_key: str, max_examples: int, seed: int, folder: Path
) -> FuzzReport:
    """Send requests made from the server's OpenAPI document, good ones and broken ones.

    Args:
        url: the server's root.
        api_key: its key, so that the check of unauthorised requests has something to leave out.
        max_examples: random cases for each operation, beside those that cover the document.
        seed: of the random cases.
        folder: where the program may leave its cache.
    """
    options = ["--phases=coverage,fuzzing", f"--max-examples={max_examples}", f"--seed={seed}"]
    return _run(url, api_key, options, folder, {})


def fuzz_engine(
    url: str, *, api_key: str, max_examples: int, seed: int, folder: Path
) -> FuzzReport:
    """Send good requests without the contradictions that random options have among them.

    Nearly all requests of `fuzz_document` are refused before they reach the engine; these do.
    """
    options = ["--phases=fuzzing", "--mode=positive", "--include-method=POST"]
    options += [f"--max-examples={max_examples}", f"--seed={seed}"]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.serving.server.fuzz_hooks"}
    return _run(url, api_key, options, folder, hooks)


def _run(
    url: str, api_key: str, options: list[str], folder: Path, variables: dict[str, str]
) -> FuzzReport:
    # A schema cannot say how long a context is or which regexes exist, so good-looking requests
    # may be refused; every other check applies.
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{url}/openapi.json",
        f"--header=Authorization: Bearer {api_key}",
        "--checks=all",
        "--exclude-checks=positive_data_acceptance",
        f"--request-timeout={REQUEST_SECONDS}",
        "--continue-on-failure",
        "--suppress-health-check=all",
        *options,
    ]
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    found = re.search(r"(\d+) generated", run.stdout)
    num_cases = int(found.group(1)) if found else 0
    return FuzzReport(num_cases, run.returncode == 0, run.stdout + run.stderr)
