"""Notices that the other side of a connection is gone, whatever its owner is doing meanwhile."""

import select
import socket
import threading
import time
from collections.abc import Callable

WATCH_MILLISECONDS = 20
REPEAT_SECONDS = 0.001


class HangupWatch:
    """A thread that watches connections for their end.

    The owner of a connection may be waiting for a GPU that waits for the other side, and cannot
    look for itself.
    """

    def __init__(self) -> None:
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hangup", daemon=True)
        self._thread.start()

    def watch(self, connection: socket.socket, callback: Callable[[], None]) -> None:
        """Call back when the other side hangs up, again and again until the owner forgets it."""
        with self._lock:
            self._callbacks[connection.fileno()] = callback

    def forget(self, connection: socket.socket) -> None:
        """Watch it no more; before it is closed. Once this returns nothing is called back."""
        with self._lock:
            self._callbacks.pop(connection.fileno(), None)

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            poller = select.poll()
            for descriptor in list(self._callbacks):
                poller.register(descriptor, select.POLLRDHUP)
            ended = poller.poll(WATCH_MILLISECONDS)
            with self._lock:
                for descriptor, _ in ended:
                    if descriptor in self._callbacks:
                        self._callbacks[descriptor]()
            if ended:
                time.sleep(REPEAT_SECONDS)
