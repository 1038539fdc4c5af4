"""Which GPUs a benchmark ran on, and what their clocks and power were meanwhile."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

import torch

QUERY = "timestamp,index,clocks.sm,power.draw,temperature.gpu,clocks_event_reasons.active"
INTERVAL_MS = 1000


def gpu_ids() -> str:
    """A few digits for each visible GPU, the same wherever it is seen again."""
    names = (
        str(torch.cuda.get_device_properties(index).uuid)
        for index in range(torch.cuda.device_count())
    )
    return " ".join(hashlib.sha256(name.encode()).hexdigest()[:6] for name in names)


class PowerLog:
    """While it is entered, a line a second and GPU, as `QUERY` names its columns."""

    def __init__(self, path: Path | None) -> None:
        """Into this file; None, or a host without nvidia-smi, for none."""
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> None:
        program = shutil.which("nvidia-smi")
        if self._path is None or program is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            self._process = subprocess.Popen(
                [program, f"--query-gpu={QUERY}", "--format=csv,noheader", f"-lms={INTERVAL_MS}"],
                stdout=file,
                stderr=subprocess.DEVNULL,
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
