"""Waits on a link's sockets."""

from collections.abc import Mapping

from regard.serving.kernels import native
from regard.serving.kernels.poll import SpinningPoll, plain_poll


class Poller:
    """Spins for a while before it sleeps, where that is wanted and the C kernels are here."""

    def __init__(self, spin_seconds: float) -> None:
        """Spinning costs the core that it runs on, so give it no more than the core is worth."""
        may_spin = spin_seconds > 0 and native.is_available()
        self._poll = SpinningPoll(spin_seconds) if may_spin else plain_poll

    def wait(
        self, interests: Mapping[int, int], timeout_seconds: float | None
    ) -> list[tuple[int, int]]:
        """The descriptors that are ready, with what for; see `plain_poll`."""
        return self._poll(interests, timeout_seconds)
