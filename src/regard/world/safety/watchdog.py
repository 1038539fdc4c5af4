"""Stops the arm when asked, or when its commands grow old; needs neither planner nor model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from regard.world.arm.contract import Arm
from regard.world.safety.limits import SafetyLimits

PERIOD_S = 0.01
HUNG = "no command came in time"


class Watchdog:
    """A thread beside everything else: `request_stop` from anywhere brings the arm to rest.

    It calls `Arm.stop`, which waits for nobody. What the hand holds stays held; `after_stop` is
    where a tilted vessel is turned upright, once the arm has come to rest.
    """

    def __init__(
        self,
        arm: Arm,
        *,
        limits: SafetyLimits,
        last_command_s: Callable[[], float | None],
        after_stop: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watches one arm; start it as a context manager.

        Args:
            arm: What is stopped.
            limits: How old a command may be.
            last_command_s: When the last command that moves the arm came, on the same clock; None
                while nothing moves and no command is owed.
            after_stop: Called in the watchdog's thread after the arm came to rest.
            clock: Seconds that never go back.
        """
        self._arm = arm
        self._limits = limits
        self._last_command_s = last_command_s
        self._after_stop = after_stop
        self._clock = clock
        self._wake = threading.Event()
        self._quit = threading.Event()
        self._reason: str | None = None
        self._thread = threading.Thread(target=self._run, name="regard-watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        """Starts the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread; a stop stays in force."""
        self._quit.set()
        self._wake.set()
        self._thread.join()

    def request_stop(self, reason: str) -> None:
        """Stops the arm; returns at once, from any thread.

        Args:
            reason: For the person.
        """
        self._reason = reason
        self._wake.set()

    def look(self) -> bool:
        """Stops the arm if a stop is asked for or due; returns whether it did."""
        reason = self._reason
        if reason is None and self._is_hung():
            reason = HUNG
        if reason is None:
            return False
        self._reason = None
        self._arm.stop(reason)
        return True

    def _is_hung(self) -> bool:
        last = self._last_command_s()
        return last is not None and self._clock() - last > self._limits.command_age_s

    def _run(self) -> None:
        while not self._quit.is_set():
            self._wake.wait(PERIOD_S)
            self._wake.clear()
            if not self._quit.is_set() and self.look():
                self._quit.wait(self._limits.stop_within_s)
                self._after_stop()
