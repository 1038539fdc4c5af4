"""Waits on a link's sockets."""

from collections.abc import Mapping

from regard.serving.kernels import native
from regard.serving.kernels.poll import plain_poll, spinning_poll


class Poller:
    """Spins for a while before it sleeps, where that is wanted and the C kernels are here."""

    def __init__(self, spin_seconds: float) -> None:
        """Spinning costs the core that it runs on, so give it no more than the core is worth."""
        self._spin_seconds = spin_seconds if native.is_available() else 0.0

    def wait(
        self, interests: Mapping[int, int], timeout_seconds: float | None
    ) -> list[tuple[int, int]]:
        """The descriptors that are ready, with what for; see `plain_poll`."""
        if self._spin_seconds == 0.0:
            return plain_poll(interests, timeout_seconds)
        return spinning_poll(interests, timeout_seconds, spin_seconds=self._spin_seconds)
