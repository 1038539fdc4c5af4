"""Who advances the simulation: the caller, or a thread of its own at the pace of the wall clock."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod

from regard.world.physics import Physics, PhysicsError

SLICE_S = 0.01
"""Simulated time between two looks at the wall clock."""


class Clock(ABC):
    """Lets simulated time pass."""

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Returns when so much simulated time has passed.

        Raises:
            PhysicsError: The state became NaN or infinite.
        """


class LockstepClock(Clock):
    """Steps the simulation in the caller's thread, as fast as it goes."""

    def __init__(self, physics: Physics) -> None:
        """Advances one world."""
        self._physics = physics

    def advance(self, seconds: float) -> None:
        """Steps the simulation."""
        self._physics.step(max(1, round(seconds / self._physics.timestep_s)))


class RealTimeClock(Clock):
    """Steps in a thread of its own, so that time passes while the planner thinks or hangs."""

    def __init__(self, physics: Physics) -> None:
        """Starts nothing yet; use it as a context manager."""
        self._physics = physics
        self._moved = threading.Condition()
        self._quit = threading.Event()
        self._error: PhysicsError | None = None
        self._thread = threading.Thread(target=self._run, name="regard-world-clock", daemon=True)

    def __enter__(self) -> RealTimeClock:
        """Starts the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread."""
        self._quit.set()
        self._thread.join()

    def advance(self, seconds: float) -> None:
        """Waits until so much simulated time has passed."""
        until = self._physics.time_s + seconds - self._physics.timestep_s / 2
        with self._moved:
            while self._physics.time_s < until and self._error is None:
                self._moved.wait(timeout=0.5)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        num_steps = max(1, round(SLICE_S / self._physics.timestep_s))
        due = time.monotonic()
        while not self._quit.is_set() and self._error is None:
            try:
                self._physics.step(num_steps)
            except PhysicsError as error:
                self._error = error
            with self._moved:
                self._moved.notify_all()
            due = max(due + num_steps * self._physics.timestep_s, time.monotonic() - SLICE_S)
            time.sleep(max(0.0, due - time.monotonic()))
