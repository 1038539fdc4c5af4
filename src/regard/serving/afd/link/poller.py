"""Waits on a link's sockets."""

from regard.serving.kernels import native
from regard.serving.kernels.poll import SpinningPoll, plain_poll


class Poller:
    """Spins for a while before it sleeps, where that is wanted and the C kernels are here."""

    def __init__(self, spin_seconds: float) -> None:
        """Spinning costs the core that it runs on, so give it no more than the core is worth."""
        may_spin = spin_seconds > 0 and native.is_available()
        self._poll = SpinningPoll(spin_seconds) if may_spin else plain_poll
        self._interests: dict[int, int] = {}

    def watch(self, descriptor: int, events: int) -> None:
        """Wait for these events of a descriptor from now on."""
        self._interests[descriptor] = events

    def forget(self, descriptor: int) -> None:
        """Wait for nothing of it any more; before it is closed."""
        self._interests.pop(descriptor, None)

    def wait(self, timeout_seconds: float | None) -> list[tuple[int, int]]:
        """The descriptors that are ready, with what for; see `plain_poll`."""
        return self._poll(self._interests, timeout_seconds)
