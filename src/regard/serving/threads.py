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


class AdaptiveThreads:
    """Takes one thread instead of all of them while that is faster.

    When something else wants the cores, every parallel loop waits for a thread that is not running,
    for whole time slices of the scheduler: two threads were seen ten times slower than one. Now and
    then a step is therefore run with the other number, and the faster one is kept.
    """

    FIRST_INTERVAL = 4
    LONGEST_INTERVAL = 256
    CLEARLY_FASTER = 0.8

    def __init__(self, most: int) -> None:
        self._most = self._current = most
        self._is_probe = False
        self._interval = self._left = self.FIRST_INTERVAL
        self._usual_seconds: dict[int, float] = {}

    def begin(self, rows: int) -> int:
        """Threads for a step over so many rows."""
        if self._most == 1:
            return 1
        self._left -= 1
        self._is_probe = self._left <= 0 and rows in self._usual_seconds
        return self._other() if self._is_probe else self._current

    def end(self, rows: int, seconds: float) -> None:
        """How long the step took."""
        if not self._is_probe:
            before = self._usual_seconds.get(rows, seconds)
            self._usual_seconds[rows] = 0.5 * (before + seconds)
            return
        if seconds < self.CLEARLY_FASTER * self._usual_seconds[rows]:
            self._current = self._other()
            self._usual_seconds = {rows: seconds}
            self._interval = self.FIRST_INTERVAL
        else:
            self._interval = min(2 * self._interval, self.LONGEST_INTERVAL)
        self._left = self._interval

    def _other(self) -> int:
        return 1 if self._current == self._most else self._most
