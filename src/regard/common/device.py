"""What machine this is, in the words a result row carries."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
MEMORY_INFO = Path("/proc/meminfo")
NVIDIA_SMI_SECONDS = 10


def describe_device() -> str:
    """One line: processor, cores this process may use, memory, and the GPUs if there are any."""
    cores = num_usable_cores()
    parts = [f"{cpu_model()}, {cores} core{'s' if cores != 1 else ''}"]
    memory = memory_gib()
    if memory is not None:
        parts.append(f"{memory:.0f} GiB")
    return "; ".join([", ".join(parts), *gpu_names()])


def cpu_model(cpu_info: Path = CPU_INFO) -> str:
    """The processor's name, or its architecture where the system does not tell more."""
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return " ".join(value.split())
    return platform.machine() or "unknown processor"


def num_usable_cores() -> int:
    """Cores the scheduler lets this process use, which containers make fewer than the machine's."""
    return len(os.sched_getaffinity(0))


def memory_gib(memory_info: Path = MEMORY_INFO) -> float | None:
    """Installed memory in GiB; None where the system does not tell."""
    try:
        text = memory_info.read_text(encoding="utf-8")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) / 2**20
    return None


def gpu_names() -> list[str]:
    """The NVIDIA GPUs as `2x NVIDIA H100 80GB HBM3`, one entry a kind; empty without a driver."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=NVIDIA_SMI_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return []
    names = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return [f"{names.count(name)}x {name}" for name in dict.fromkeys(names)]
