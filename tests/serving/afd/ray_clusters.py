"""A local Ray cluster of a few cores; this process is connected to it."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.serving.afd.commands import ROOT, end

NUM_CPUS = 4
OBJECT_STORE_NBYTES = 80 << 20
# Ray reads it once a process.
TOKEN = secrets.token_hex(32)


@contextmanager
def local_cluster() -> Iterator[str]:
    """Its address; at the end none of its processes is left."""
    ray = pytest.importorskip("ray")
    before = set(psutil.Process().children(recursive=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("PYTHONPATH", f"{ROOT / 'src'}")
        ray.init(
            num_cpus=NUM_CPUS,
            object_store_memory=OBJECT_STORE_NBYTES,
            include_dashboard=False,
            logging_level="ERROR",
        )
        started = list(set(psutil.Process().children(recursive=True)) - before)
        try:
            yield ray.get_runtime_context().gcs_address
        finally:
            started += set(psutil.Process().children(recursive=True)) - before - set(started)
            ray.shutdown()
            psutil.wait_procs(started, timeout=20)
            left = [process for process in started if process.is_running()]
            end(left)
            assert left == []


def wait_for_free_cpus(count: int = NUM_CPUS, seconds: float = 20.0) -> None:
    """Until the cluster has counted what was given back."""
    import ray

    deadline = time.monotonic() + seconds
    while ray.available_resources().get("CPU", 0) != count:
        assert time.monotonic() < deadline
        time.sleep(0.1)
