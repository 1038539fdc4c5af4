import subprocess
from pathlib import Path

import pytest

from regard.common import device


def test_the_description_names_the_cores_this_process_may_use() -> None:
    assert f"{device.num_usable_cores()} core" in device.describe_device()


def test_the_processor_is_read_from_the_system(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Some  CPU @ 2.0GHz\n")
    assert device.cpu_model(info) == "Some CPU @ 2.0GHz"


def test_an_unreadable_system_gives_the_architecture(tmp_path: Path) -> None:
    assert device.cpu_model(tmp_path / "absent")
    assert device.memory_gib(tmp_path / "absent") is None


def test_equal_gpus_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        return subprocess.CompletedProcess(command, 0, stdout="A\nA\nB\n")

    monkeypatch.setattr(device.shutil, "which", lambda name: name)
    monkeypatch.setattr(device.subprocess, "run", run)
    assert device.gpu_names() == ["2x A", "1x B"]


def test_a_failing_driver_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        raise subprocess.CalledProcessError(9, command)

    monkeypatch.setattr(device.shutil, "which", lambda name: name)
    monkeypatch.setattr(device.subprocess, "run", run)
    assert device.gpu_names() == []
