"""Say what pip would download for one requirement, and how large it is.

Usage: python scripts/download_size.py 'torch==2.13.0' [pip option ...]
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlparse

SECONDS_PER_REQUEST = 5


def main(requirement: str, *pip_options: str) -> None:
    report = _dry_run(requirement, pip_options)
    if report is None:
        print(f"{requirement}: size unknown; a CUDA build takes several GB, a CPU build far less")
        return
    wheels = [item["download_info"]["url"] for item in report["install"]]
    sizes = [_size_in_bytes(url) for url in wheels]
    names = [unquote(Path(urlparse(url).path).name) for url in wheels]
    main_wheel = next((name for name in names if name.startswith("torch-")), requirement)
    total = sum(size for size in sizes if size is not None)
    known = "" if None not in sizes else "at least "
    others = f" and {len(names) - 1} packages it needs" if len(names) > 1 else ""
    print(f"{main_wheel}{others}: {known}{total / 1e6:,.0f} MB to download")


def _dry_run(requirement: str, pip_options: tuple[str, ...]) -> dict | None:
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    # fast-deps: else pip fetches a whole wheel where the index has no copy of its metadata.
    command += ["--use-feature=fast-deps", "--quiet", "--report", "-", *pip_options, requirement]
    if pip_options:
        command.append("--no-deps")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def _size_in_bytes(url: str) -> int | None:
    parts = urlparse(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).stat().st_size
    try:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=SECONDS_PER_REQUEST) as response:
            return int(response.headers["Content-Length"])
    except (OSError, TypeError, ValueError):
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
