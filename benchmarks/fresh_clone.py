"""What a newcomer waits for: the README's commands in a fresh clone, timed and weighed."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from regard.common.repository import repository_root
from regard.common.rows import Measurement, write_rows

COMMANDS = {
    "setup": ["make", "setup"],
    "run": ["make", "run", "REGARD_RUN_ONCE=1"],
    "test": ["make", "test"],
}


def gigabytes(folder: Path) -> float:
    """Size of all files below a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_symlink()) / 1e9


def run(command: Sequence[str], folder: Path, variables: dict[str, str]) -> float:
    """Seconds that a command took; its output goes to standard error."""
    started = time.monotonic()
    subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, stdout=sys.stderr, check=True
    )
    return time.monotonic() - started


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        clone, cache = Path(temporary) / "regard", Path(temporary) / "cache"
        subprocess.run(["git", "clone", "-q", repository_root(), clone], check=True)
        for name, command in COMMANDS.items():
            # An empty cache: the default model is fetched and the kernels are compiled too.
            seconds = run(command, clone, {"XDG_CACHE_HOME": str(cache)})
            notes = f"`{' '.join(command)}` in a fresh clone, after the ones before it, empty cache"
            metric = f"repository.fresh_clone_minutes.{name}"
            rows.append(
                Measurement(metric=metric, value=seconds / 60, unit="min", n=1, notes=notes)
            )
        size = gigabytes(clone / ".venv") + gigabytes(cache)
        rows.append(
            Measurement(
                metric="repository.fresh_clone_size",
                value=size,
                unit="GB",
                n=1,
                notes="the virtual environment with a CPU build of torch, and the default model",
            )
        )
    for row in rows:
        print(f"{row.metric:40s} {row.value:6.2f} {row.unit}")
    if options.write:
        write_rows(
            "repository", rows, command="python -m benchmarks.fresh_clone --write", seed=None
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
