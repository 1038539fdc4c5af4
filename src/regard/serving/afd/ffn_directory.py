"""Where the FFN instances are."""

import threading
from typing import Any


class FfnDirectory:
    """Addresses by number; a generation counts how often each place changed hands."""

    def __init__(self, num_ffn: int) -> None:
        self._generations = [0] * num_ffn
        self._addresses: dict[int, tuple[str, int]] = {}
        self._lock = threading.Lock()

    @property
    def is_complete(self) -> bool:
        """Whether all feed-forwards are held by somebody."""
        return len(self._addresses) == len(self._generations)

    def put(self, ffn: int, address: tuple[str, int]) -> dict[str, Any]:
        """A new holder; the entry to tell attention instances."""
        with self._lock:
            self._generations[ffn] += 1
            self._addresses[ffn] = address
            return self._entry(ffn)

    def remove(self, ffn: int) -> None:
        """Its holder is gone."""
        with self._lock:
            self._addresses.pop(ffn, None)

    def entries(self) -> list[tuple[int, dict[str, Any]]]:
        """All holders."""
        with self._lock:
            return [(ffn, self._entry(ffn)) for ffn in self._addresses]

    def _entry(self, ffn: int) -> dict[str, Any]:
        return {"address": list(self._addresses[ffn]), "generation": self._generations[ffn]}
