"""Builds the CPU kernels' C sources once and loads them."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

SOURCES = (
    "block_fp8/cpu.c",
    "linear/cpu.c",
    "paged_attention/cpu.c",
    "poll/cpu.c",
    "rms_norm/cpu.c",
    "swiglu/cpu.c",
)
HEADERS = ("vector_math.h",)
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fopenmp", "-shared", "-fPIC")
REQUIRED_CPU_FLAGS = frozenset({"avx2", "fma", "f16c"})


def cache_directory() -> Path:
    """Where compiled kernels are kept: `$XDG_CACHE_HOME/regard/kernels`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "regard" / "kernels"


def _cpu_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())


def why_unavailable() -> str | None:
    """The reason the C kernels cannot be used here, or None where they can."""
    if os.environ.get("REGARD_NATIVE_KERNELS", "1") == "0":
        return "switched off by REGARD_NATIVE_KERNELS=0"
    missing = REQUIRED_CPU_FLAGS - _cpu_flags()
    if missing:
        return f"this {platform.machine()} processor lacks {', '.join(sorted(missing))}"
    if shutil.which("cc") is None:
        return "no C compiler (`cc`) is on the path"
    return None


def _build(target: Path, sources: list[Path]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        # Another process may build the same file: each renames its own complete copy into place.
        built = Path(folder) / target.name
        command = ["cc", *FLAGS, *map(str, sources), "-o", str(built), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"compiling the CPU kernels failed: {done.stderr.strip()[:2000]}")
        built.replace(target)


@cache
def library() -> ctypes.CDLL:
    """The compiled kernels.

    torch must be loaded first, so that both share one OpenMP runtime and its threads.

    Raises:
        RuntimeError: they cannot be built or used here; `why_unavailable` says it beforehand.
    """
    reason = why_unavailable()
    if reason:
        raise RuntimeError(f"CPU kernels are not available: {reason}")
    assert torch.get_num_threads() >= 1
    here = Path(__file__).parent
    sources = [here / name for name in SOURCES]
    read = [*sources, *(here / name for name in HEADERS)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in read))
    digest.update(" ".join((*FLAGS, *sorted(_cpu_flags()))).encode())
    target = cache_directory() / f"kernels-{digest.hexdigest()[:16]}.so"
    if not target.exists():
        _build(target, sources)
    return ctypes.CDLL(str(target))


@cache
def function(
    name: str, signature: tuple[type, ...], result: type | None = None
) -> Callable[..., Any]:
    """A kernel by name, with the C types of its arguments and of what it returns."""
    kernel = library()[name]
    kernel.argtypes, kernel.restype = signature, result
    return kernel


@cache
def is_available() -> bool:
    """Whether the C kernels can be used here (they are built by the first call)."""
    if why_unavailable():
        return False
    library()
    return True
