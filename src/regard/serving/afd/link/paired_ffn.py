"""The FFN end of links of fixed membership: a pair with each attention instance that comes."""

import contextlib
import select
import socket
import time
from collections import deque
from dataclasses import dataclass

from torch import Tensor

from regard.common.errors import UserError
from regard.serving.afd.codec import shape_of
from regard.serving.afd.handshake import answer, greet_callers
from regard.serving.afd.link.contract import Arrival
from regard.serving.afd.link.hangup import HangupWatch
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.pair import FeedForwardPair, Message, Wiring, hello
from regard.serving.afd.link.poller import Poller
from regard.serving.afd.link.tcp_ffn import BACKLOG
from regard.serving.afd.trace import Recorder

LOOK_SECONDS = 50e-6
"""Between two looks, where rows do not ring and none came of late."""


@dataclass(eq=False)
class _Client:
    """One attention instance."""

    index: int
    connection: socket.socket
    pair: FeedForwardPair
    is_lost: bool = False

    def abandon(self) -> None:
        """It is gone."""
        self.is_lost = True
        self.pair.abandon()


class PairedFeedForwardEnd:
    """See `FeedForwardEnd`."""

    def __init__(
        self,
        options: LinkOptions,
        wiring: Wiring,
        *,
        index: int,
        host: str,
        port: int = 0,
        recorder: Recorder | None = None,
    ) -> None:
        """Listen; whoever knows the token and has the same model may make a pair."""
        self._options, self._wiring, self._index = options, wiring, index
        self._recorder = recorder
        self._poller = Poller(options.spin_seconds)
        self._clients: dict[int, _Client] = {}
        self._joining: deque[_Client] = deque()
        self._last_arrival = 0.0
        self._watch = HangupWatch()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._poller.watch(self._wake_out.fileno(), select.POLLIN)
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self._accepting = greet_callers(self._listener, self._greet)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    def receive(self, timeout_seconds: float | None = None) -> list[Arrival]:
        """Everything that has come."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            self._take_in()
            arrivals = [
                each for client in list(self._clients.values()) for each in self._of(client)
            ]
            left = None if deadline is None else deadline - time.monotonic()
            if arrivals or (left is not None and left <= 0):
                return arrivals
            self._wait(left)

    def send(self, arrival: Arrival, result: Tensor) -> None:
        """Encode and send."""
        client = self._clients.get(arrival.source)
        if client is None:
            return
        microbatch = arrival.key.microbatch
        shape = shape_of(arrival.rows)._replace(top_k=0)
        payload = client.pair.result_buffer(microbatch)[: self._options.codec.result_nbytes(shape)]
        self._options.codec.encode_result(result, payload)
        try:
            client.pair.send(Message(arrival.key, shape, payload))
        except OSError:
            self._drop(client)

    def close(self) -> None:
        """Hang up on all and stop listening."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        # Whoever is still being greeted fails at this from now on, and is hung up on there.
        self._wake_in.shutdown(socket.SHUT_RDWR)
        while self._joining:
            client = self._joining.popleft()
            client.pair.close()
            client.connection.close()
        for client in list(self._clients.values()):
            self._drop(client)
        self._watch.close()
        self._wake_in.close()
        self._wake_out.close()

    def _of(self, client: _Client) -> list[Arrival]:
        """What has come from one; a client that is gone is dropped."""
        try:
            if client.is_lost:
                raise ConnectionResetError("it hung up")
            messages = client.pair.arrived()
        except OSError:
            self._drop(client)
            return []
        arrivals = []
        for key, shape, payload in messages:
            rows = self._options.codec.decode_rows(payload, shape)
            arrivals.append(Arrival(client.index, key, rows))
            self._last_arrival = time.monotonic()
            if self._recorder:
                at = self._recorder.now()
                self._recorder.add("receive", *key, shape.rows, at, at, f"attention{client.index}")
        return arrivals

    def _wait(self, timeout_seconds: float | None) -> None:
        if self._wiring.rings:
            self._poller.wait(timeout_seconds)
        elif time.monotonic() - self._last_arrival > self._options.spin_seconds:
            time.sleep(LOOK_SECONDS)

    def _greet(self, connection: socket.socket) -> None:
        expected = {**hello(self._wiring, self._options), "ffn": self._index}
        try:
            index = int(answer(connection, self._options.token, expected)["attention"])
            pair = self._wiring.feed_forward_pair(connection, self._options)
            self._joining.append(_Client(index, connection, pair))
            self._wake_in.send(b"!")
        except (OSError, UserError, ValueError, KeyError):
            connection.close()

    def _take_in(self) -> None:
        if not self._joining:
            return
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(4096)
        while self._joining:
            client = self._joining.popleft()
            if client.index in self._clients:
                self._drop(self._clients[client.index])
            self._clients[client.index] = client
            self._poller.watch(client.connection.fileno(), select.POLLIN)
            self._watch.watch(client.connection, client.abandon)

    def _drop(self, client: _Client) -> None:
        self._poller.forget(client.connection.fileno())
        self._watch.forget(client.connection)
        client.pair.close()
        client.connection.close()
        if self._clients.get(client.index) is client:
            del self._clients[client.index]
