"""Where work is queued: streams of GPUs, or queues of this process that stand in for them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

Pairs = Sequence[tuple[Tensor, Tensor]]
"""Targets and sources of copies."""


class Queue(Protocol):
    """Work in order; what two queues do has no order but that of events."""

    device: torch.device
    """On which it works."""

    def run(self, work: Callable[[], object]) -> None:
        """Does this next."""

    def copy(self, pairs: Pairs) -> None:
        """Copies contiguous tensors of this device to others of any device, byte by byte."""

    def upload(self, pairs: Pairs) -> None:
        """Copies tensors of the host to this device."""

    def record(self) -> Any:
        """An event: that all work so far is done."""

    def wait(self, event: Any) -> None:
        """Does what follows only after the event."""


class Moment(Protocol):
    """A time at which a queue arrived."""

    def seconds_since(self, other: Any) -> float:
        """Between two of one queue; both must have come."""

    def wait(self) -> None:
        """Until it has come."""


class Clock(Protocol):
    """Writes down when work of one device was done, slot by slot."""

    def mark(self, queue: Queue, slot: int) -> None:
        """Lets the queue write the time."""

    def nanoseconds(self) -> list[int]:
        """Of each slot, in a clock that all devices share; the machine must be synchronised."""


class Machine(Protocol):
    """The devices."""

    def queue(self, device: torch.device) -> Queue:
        """A new one."""

    def captured(self, first: Queue, work: Callable[[], object]) -> Callable[[], None]:
        """What replays this work, which begins and ends on `first`; it was done once before."""

    def moment(self, queue: Queue) -> Moment:
        """When the queue will have come this far."""

    def clock(self, device: torch.device, num_slots: int) -> Clock:
        """A new one."""

    def synchronize(self) -> None:
        """Until all queues are empty."""
