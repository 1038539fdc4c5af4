"""Builds the kernels with nvcc, once for each number of rows, and keeps them."""

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from regard.serving.kernels.native import cache_directory

SOURCE = "kernel.cu"
HEADERS = (
    "primitives.cuh",
    "mma.cuh",
    "task.cuh",
    "units.cuh",
    "copies.cuh",
    "fill.cuh",
    "products.cuh",
    "outputs.cuh",
    "work.cuh",
)
# The long form: the short one also makes code for Hopper without its matrix instructions.
FLAGS = ("-gencode=arch=compute_90a,code=sm_90a", "-O3", "-shared", "-Xcompiler", "-fPIC")
PARTS, QUERY, GATED, DOWN = range(4)
"""Modes of the kernel: what is done with a product."""
ROWS = (64, 128, 192)
"""Activation rows that a tile of the weight may pass by; each is a build of its own."""
MOST_STAGES = 8
SHARED_BYTES = 227 * 1024
"""Shared memory of one block on Hopper."""


def round_up_rows(num_rows: int) -> int:
    """The smallest build that takes so many rows, or the largest there is."""
    return next((rows for rows in ROWS if rows >= num_rows), ROWS[-1])


def num_stages(rows: int) -> int:
    """Tiles on their way that shared memory has room for; `rows` is a member of `ROWS`."""
    stage = 128 * 128 + rows * 128 + -(-rows * 4 // 128) * 128
    # Magnitudes, barriers and what aligns the ring.
    fixed = 8 * rows + 2 * 8 * (MOST_STAGES + len(ROWS)) + 1024
    return min(MOST_STAGES, (SHARED_BYTES - fixed) // stage)


@cache
def library(rows: int) -> ctypes.CDLL:
    """The kernels for so many rows, a member of `ROWS`.

    Raises:
        RuntimeError: nvcc is not on the path, or fails; with what it said.
    """
    here = Path(__file__).parent
    text = b"".join((here / name).read_bytes() for name in (SOURCE, *HEADERS))
    sizes = {"GROUPS": rows // 64, "STAGES": num_stages(rows)}
    flags = (*FLAGS, *(f"-D{name}={size}" for name, size in sizes.items()))
    digest = hashlib.sha256(text + " ".join(flags).encode()).hexdigest()[:16]
    target = cache_directory() / f"block_scaled-{rows}-{digest}.so"
    if not target.exists():
        _compile(here / SOURCE, flags, target)
    return ctypes.CDLL(str(target))


def _compile(source: Path, flags: tuple[str, ...], target: Path) -> None:
    if shutil.which("nvcc") is None:
        raise RuntimeError("no CUDA compiler (`nvcc`, 12.3 or newer) is on the path")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        # Another process may build the same file: each renames its own complete copy into place.
        built = Path(folder) / target.name
        command = ["nvcc", *flags, str(source), "-o", str(built)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"nvcc failed on {source.name}: {done.stderr.strip()[:2000]}")
        built.replace(target)
