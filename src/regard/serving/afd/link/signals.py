"""Words of memory by which two processes of one machine, and their GPUs, tell each other things."""

import ctypes
import mmap
import os
import secrets
from typing import Any

NUM_BYTES = mmap.PAGESIZE
_NONCE = NUM_BYTES // 8 - 1


class SignalPage:
    """One page in both processes' memory, as words of 64 bits, all 0 at first.

    It belongs to no file: whatever end the processes come to, nothing is left.
    """

    def __init__(self, descriptor: int) -> None:
        """Map an open page."""
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, NUM_BYTES)
        self.words = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls) -> "SignalPage":
        """A new page."""
        descriptor = os.memfd_create("regard-signals")
        os.ftruncate(descriptor, NUM_BYTES)
        page = cls(descriptor)
        page.words[_NONCE] = secrets.randbits(52)
        return page

    @classmethod
    def open(cls, ticket: dict[str, Any]) -> "SignalPage":
        """The page of another process of the same user on this machine.

        Raises:
            ConnectionError: it is not there.
        """
        path = f"/proc/{int(ticket['process'])}/fd/{int(ticket['descriptor'])}"
        try:
            page = cls(os.open(path, os.O_RDWR))
        except (OSError, ValueError) as error:
            raise ConnectionError(f"no such page of memory here: {error}") from error
        if page.words[_NONCE] != ticket["nonce"]:
            page.close()
            raise ConnectionError("another page of memory is in its place")
        return page

    @property
    def ticket(self) -> dict[str, int]:
        """What another process needs to open it."""
        nonce = self.words[_NONCE]
        return {"process": os.getpid(), "descriptor": self._descriptor, "nonce": nonce}

    @property
    def address(self) -> int:
        """Where it is in this process's memory."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def close(self) -> None:
        """Unmap it; the other process keeps its own view."""
        self.words.release()
        self._map.close()
        os.close(self._descriptor)
