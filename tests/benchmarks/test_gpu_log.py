import os
import time
from types import SimpleNamespace

import torch

from benchmarks.serving import gpu_log
from benchmarks.serving.gpu_log import PowerLog, gpu_ids

FAKE = """#!/bin/sh
echo $$ > "$0.pid"
echo "$@" > "$0.arguments"
while true; do echo "now, 0, 1800 MHz, 690 W"; sleep 0.05; done
"""


def test_power_is_logged_until_the_end_and_no_longer(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = tmp_path / "logs" / "power.csv"
    with PowerLog(path):
        deadline = time.monotonic() + 20
        while path.read_text().count("\n") < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert path.read_text().startswith("now, 0, 1800 MHz, 690 W\n")
    assert gpu_log.QUERY in (tmp_path / "nvidia-smi.arguments").read_text()
    pid = int((tmp_path / "nvidia-smi.pid").read_text())
    assert not os.path.exists(f"/proc/{pid}")


def test_without_nvidia_smi_or_a_file_nothing_is_logged(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with PowerLog(tmp_path / "power.csv"):
        pass
    with PowerLog(None):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_gpu_has_the_same_digits_each_time_and_others_have_others(monkeypatch):
    names = ["GPU-1", "GPU-2"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=names[index])
    )
    first, second = gpu_ids().split()
    assert first != second
    assert len(first) == 6
    assert gpu_ids() == f"{first} {second}"
