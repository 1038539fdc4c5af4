"""Queues of this process: work is kept, then done in any order that the events allow.

The order is drawn, so that work which an event should hold back, and does not, is sooner or later
done too early: a run then gives something else than one in another order.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.serving.full.machine import Pairs, Queue


@dataclass
class HostEvent:
    """Whether a queue has come this far."""

    done: bool = False


class HostQueue:
    """Work that waits."""

    def __init__(self, device: torch.device) -> None:
        """Empty."""
        self.device = device
        self.items: deque[Callable[[], object] | HostEvent] = deque()

    def run(self, work: Callable[[], object]) -> None:
        """As `Queue`."""
        self.items.append(work)

    def copy(self, pairs: Pairs) -> None:
        """As `Queue`; one item a copy."""
        for target, source in pairs:
            self.run(lambda target=target, source=source: target.copy_(source))

    upload = copy

    def record(self) -> HostEvent:
        """As `Queue`."""
        event = HostEvent()
        self.run(lambda: setattr(event, "done", True))
        return event

    def wait(self, event: HostEvent) -> None:
        """As `Queue`."""
        self.items.append(event)

    def advance(self) -> bool:
        """Does the next item, if it need not wait."""
        if not self.items:
            return False
        item = self.items[0]
        if isinstance(item, HostEvent):
            if not item.done:
                return False
        else:
            item()
        self.items.popleft()
        return True


class HostMoment:
    """The time at which a queue came here."""

    def __init__(self, machine: "HostMachine") -> None:
        """Not there yet."""
        self._machine = machine
        self.time: float | None = None

    def arrive(self) -> None:
        """Keeps the time."""
        self.time = time.perf_counter()

    def seconds_since(self, other: "HostMoment") -> float:
        """As `Moment`."""
        if self.time is None or other.time is None:
            raise RuntimeError("the queue has not come there yet")
        return self.time - other.time

    def wait(self) -> None:
        """As `Moment`."""
        self._machine.synchronize()


class HostClock:
    """Keeps this process's time."""

    def __init__(self, num_slots: int) -> None:
        """Nothing kept."""
        self._times = [0] * num_slots

    def mark(self, queue: Queue, slot: int) -> None:
        """As `Clock`."""
        queue.run(lambda: self._times.__setitem__(slot, time.perf_counter_ns()))

    def nanoseconds(self) -> list[int]:
        """As `Clock`."""
        return list(self._times)


class HostMachine:
    """All queues of one run."""

    def __init__(self, seed: int = 0) -> None:
        """`seed` draws the order of work."""
        self._queues: list[HostQueue] = []
        self._random = random.Random(seed)

    def queue(self, device: torch.device) -> HostQueue:
        """As `Machine`."""
        self._queues.append(HostQueue(device))
        return self._queues[-1]

    def captured(self, first: Queue, work: Callable[[], object]) -> Callable[[], None]:
        """As `Machine`: the work is queued anew each time."""

        def replay() -> None:
            work()

        return replay

    def moment(self, queue: Queue) -> HostMoment:
        """As `Machine`."""
        made = HostMoment(self)
        queue.run(made.arrive)
        return made

    def clock(self, device: torch.device, num_slots: int) -> HostClock:
        """As `Machine`."""
        return HostClock(num_slots)

    def synchronize(self) -> None:
        """As `Machine`.

        Raises:
            RuntimeError: The queues wait for one another, or for what was never recorded.
        """
        while busy := [each for each in self._queues if each.items]:
            self._random.shuffle(busy)
            if not any(each.advance() for each in busy):
                raise RuntimeError(f"{len(busy)} queues wait for events that never come")
