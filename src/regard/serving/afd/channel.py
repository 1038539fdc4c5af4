"""Control messages between the coordinator and one instance."""

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Any

from regard.serving.afd.handshake import receive_json, send_json

MESSAGE_LIMIT = 1 << 28


class Channel:
    """JSON messages over an authenticated connection; any thread may send, one receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def own_host(self) -> str:
        """The address under which the other side reaches this host."""
        return str(self._connection.getsockname()[0])

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message.

        Raises:
            OSError: the other side is gone.
        """
        message: Mapping[str, Any] = {"kind": kind, **fields}
        with self._sending:
            send_json(self._connection, message)

    def receive(self) -> dict[str, Any]:
        """The next message; its `kind` says what it is.

        Raises:
            ConnectionError: the other side is gone.
            HandshakeError: something that is no message.
        """
        return receive_json(self._connection, MESSAGE_LIMIT)

    def close(self) -> None:
        """Hang up; whoever receives gets a ConnectionError."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
