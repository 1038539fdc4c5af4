"""A `regard serve` process and what can be read of it from outside."""

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import httpx
import psutil

READY_SECONDS = 180


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """Starts the server, waits until it is healthy, stops it by its process id."""

    def __init__(self, *options: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._folder = tempfile.TemporaryDirectory()
        self._log = Path(self._folder.name) / "log"
        command = [sys.executable, "-m", "regard", "serve", "--port", str(port), *options]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def __enter__(self) -> "ServerProcess":
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.2)
        self._process.kill()
        raise RuntimeError(f"the server did not start: {self.log()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)
        self._folder.cleanup()

    def stop(self) -> int:
        """End it with SIGTERM; the exit status."""
        self._process.terminate()
        return self._process.wait(timeout=60)

    def log(self) -> str:
        """All it printed."""
        return self._log.read_text()

    def resident_mib(self) -> float:
        """Memory in use."""
        return float(psutil.Process(self._process.pid).memory_info().rss / 2**20)

    def metric(self, name: str) -> float:
        """A gauge or counter, by its name without the prefix."""
        for line in httpx.get(f"{self.url}/metrics", timeout=10).text.splitlines():
            if line.startswith(f"regard_{name}{{") or line.startswith(f"regard_{name} "):
                return float(line.rsplit(" ", 1)[1])
        raise RuntimeError(f"the server has no metric regard_{name}")
