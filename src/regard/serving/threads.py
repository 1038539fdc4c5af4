"""How many threads to compute with."""

import math
import os
from pathlib import Path


def allowed_cpus() -> int:
    """Cores this process may use: its affinity, capped by the container's CPU quota."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cpus
    return cpus if quota == "max" else max(1, min(cpus, math.ceil(int(quota) / int(period))))


def choose_num_threads(requested: int, *, cpus: int, load: float) -> int:
    """Threads to use.

    A parallel loop waits for its slowest thread, so a thread on a core that something else keeps
    busy slows every step: such cores are left out, up to half of them.

    Args:
        requested: what the user asked for; 0 leaves the choice here.
        cpus: cores this process may use.
        load: average number of runnable processes over the last minute.
    """
    if requested > 0:
        return requested
    busy = min(int(load), cpus // 2) if cpus > 2 else 0
    return max(1, cpus - busy)


def default_num_threads(requested: int) -> int:
    """`choose_num_threads` for this machine as it is now."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return choose_num_threads(requested, cpus=allowed_cpus(), load=load)
