"""Runs skills while time passes by itself, under the watchdog."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from regard.world.clock import RealTimeClock
from regard.world.safety.limits import SafetyLimits
from regard.world.safety.upright import right_after_stop
from regard.world.safety.watchdog import Watchdog
from regard.world.skills.context import ProgressCallback, SkillContext
from regard.world.skills.contract import Outcome, Skill
from regard.world.skills.perception import Perception
from regard.world.skills.runner import run_skill
from regard.world.world import World


class LiveArm:
    """A world whose time passes beside the planner's, and a watchdog that stops its arm.

    The watchdog brings the arm to rest whatever the planner does, and then rights a tilted vessel.
    """

    def __init__(
        self,
        world: World,
        *,
        limits: SafetyLimits,
        perception: Perception,
        report: ProgressCallback,
    ) -> None:
        """Joins the parts; use it as a context manager.

        Args:
            world: Where it happens.
            limits: What the watchdog holds.
            perception: Where things are believed to be.
            report: Gets the progress.
        """
        self.world = world
        self._clock = RealTimeClock(world.physics)
        self.context = SkillContext(world, clock=self._clock, perception=perception, report=report)
        self.is_righted = threading.Event()
        """Set when, after a stop, nothing tilted is held."""
        self._watchdog = Watchdog(
            world.arm,
            limits=limits,
            last_command_s=lambda: world.arm.last_command_s,
            after_stop=self._right,
        )

    def __enter__(self) -> LiveArm:
        """Lets time pass, and watches."""
        self._clock.__enter__()
        self._watchdog.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Ends both threads; a stop stays in force."""
        self._watchdog.__exit__(*error)
        self._clock.__exit__(*error)

    def stop(self, reason: str) -> None:
        """Stops the arm; returns at once, from any thread."""
        self.is_righted.clear()
        self._watchdog.request_stop(reason)

    def run(self, skill: Skill, values: Mapping[str, Any]) -> Outcome:
        """Runs one skill to its end; a stop ends it."""
        return run_skill(skill, self.context, values)

    def _right(self) -> None:
        if right_after_stop(self.world, advance=self._clock.advance):
            self.is_righted.set()


@contextmanager
def stopped_by_interrupt(live: LiveArm) -> Iterator[None]:
    """Ctrl-C is the person's stop, not a traceback."""

    def stop(number: int, frame: FrameType | None) -> None:
        live.stop("you pressed Ctrl-C")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
