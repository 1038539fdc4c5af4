"""Runs schemathesis against a server."""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

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


def fuzz(url: str, *, api_key: str, max_examples: int, seed: int, folder: Path) -> FuzzReport:
    """Send requests made from the server's OpenAPI document, good ones and broken ones.

    Args:
        url: the server's root.
        api_key: its key, so that the check of unauthorised requests has something to leave out.
        max_examples: random cases for each operation, beside those that cover the document.
        seed: of the random cases.
        folder: where the program may leave its cache.
    """
    # A schema cannot say how long a context is or which regexes exist, so good-looking requests
    # may be refused; every other check applies.
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{url}/openapi.json",
        f"--header=Authorization: Bearer {api_key}",
        "--checks=all",
        "--exclude-checks=positive_data_acceptance",
        "--phases=coverage,fuzzing",
        f"--max-examples={max_examples}",
        f"--seed={seed}",
        f"--request-timeout={REQUEST_SECONDS}",
        "--continue-on-failure",
        "--suppress-health-check=all",
    ]
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    found = re.search(r"(\d+) generated", run.stdout)
    num_cases = int(found.group(1)) if found else 0
    return FuzzReport(num_cases, run.returncode == 0, run.stdout + run.stderr)
