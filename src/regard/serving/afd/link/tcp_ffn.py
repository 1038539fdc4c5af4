"""The FFN end over TCP: listens, and serves as many attention instances as come."""

import contextlib
import heapq
import itertools
import select
import socket
import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from regard.common.errors import UserError
from regard.serving.afd.codec import Shape, shape_of
from regard.serving.afd.handshake import answer, greet_callers
from regard.serving.afd.link.contract import Arrival
from regard.serving.afd.link.frames import Frame, FrameError, FrameSocket, registered_buffers
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.poller import Poller
from regard.serving.afd.trace import Recorder

BACKLOG = 64


@dataclass(eq=False)
class _Client:
    """One attention instance."""

    index: int
    frames: FrameSocket
    payloads: list[Tensor]
    results: list[Tensor]


class _Waiting(NamedTuple):
    visible_ns: int
    order: int
    client: _Client
    frame: Frame


class TcpFeedForwardEnd:
    """See `FeedForwardEnd`."""

    def __init__(
        self,
        options: LinkOptions,
        *,
        index: int,
        host: str,
        port: int = 0,
        recorder: Recorder | None = None,
    ) -> None:
        """Listen; whoever knows the token and has the same model may connect."""
        self._options, self._index, self._recorder = options, index, recorder
        self._poller = Poller(options.spin_seconds)
        self._clients: dict[int, _Client] = {}
        self._by_descriptor: dict[int, _Client] = {}
        self._waiting: list[_Waiting] = []
        self._order = itertools.count()
        self._joining: deque[tuple[int, socket.socket]] = deque()
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
        """Everything that has become visible."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            if ready := self._visible():
                return ready
            wait = None if deadline is None else deadline - time.monotonic()
            if wait is not None and wait <= 0:
                return []
            if self._waiting:
                until_visible = (self._waiting[0].visible_ns - time.perf_counter_ns()) / 1e9
                wait = until_visible if wait is None else min(wait, until_visible)
            self._poll(None if wait is None else max(wait, 0.0))

    def send(self, arrival: Arrival, result: Tensor) -> None:
        """Encode and send; if there is no room, the rest goes during `receive`."""
        client = self._clients.get(arrival.source)
        if client is None:
            return
        shape = shape_of(arrival.rows)
        nbytes = self._options.codec.result_nbytes(shape)
        buffer = client.results[arrival.key.microbatch][:nbytes]
        self._options.codec.encode_result(result, buffer)
        try:
            client.frames.send(arrival.key, shape.rows, 0, buffer)
        except OSError:
            self._drop(client)
            return
        if client.frames.has_unsent:
            self._watch(client.frames)

    def close(self) -> None:
        """Hang up on all and stop listening."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        # Whoever is still being greeted fails at this from now on, and is hung up on there.
        self._wake_in.shutdown(socket.SHUT_RDWR)
        while self._joining:
            self._joining.popleft()[1].close()
        for client in list(self._clients.values()):
            self._drop(client)
        self._wake_in.close()
        self._wake_out.close()

    def _visible(self) -> list[Arrival]:
        if not self._waiting:
            return []
        now = time.perf_counter_ns()
        arrivals = []
        while self._waiting and self._waiting[0].visible_ns <= now:
            _, _, client, frame = heapq.heappop(self._waiting)
            shape = Shape(frame.rows, self._options.hidden, frame.top_k)
            payload = client.payloads[frame.key.microbatch]
            rows = self._options.codec.decode_rows(payload, shape)
            arrivals.append(Arrival(client.index, frame.key, rows))
        return arrivals

    def _poll(self, timeout_seconds: float | None) -> None:
        for descriptor, _ in self._poller.wait(timeout_seconds):
            if descriptor == self._wake_out.fileno():
                self._take_in()
            elif descriptor in self._by_descriptor:
                self._read(self._by_descriptor[descriptor])

    def _watch(self, frames: FrameSocket) -> None:
        events = select.POLLIN | (select.POLLOUT if frames.has_unsent else 0)
        self._poller.watch(frames.fileno(), events)

    def _read(self, client: _Client) -> None:
        try:
            if client.frames.has_unsent:
                client.frames.flush()
                self._watch(client.frames)
            frames = client.frames.read()
        except OSError:
            self._drop(client)
            return
        for frame in frames:
            visible_ns = client.frames.visible_ns(frame)
            entry = _Waiting(visible_ns, next(self._order), client, frame)
            heapq.heappush(self._waiting, entry)
            if self._recorder:
                at = max(self._recorder.now(), visible_ns)
                peer = f"attention{client.index}"
                self._recorder.add("receive", *frame.key, frame.rows, at, at, peer)

    def _drop(self, client: _Client) -> None:
        self._poller.forget(client.frames.fileno())
        self._by_descriptor.pop(client.frames.fileno(), None)
        client.frames.close()
        if self._clients.get(client.index) is client:
            del self._clients[client.index]
        self._waiting = [each for each in self._waiting if each.client is not client]
        heapq.heapify(self._waiting)

    def _greet(self, connection: socket.socket) -> None:
        expected = {**self._options.hello(), "ffn": self._index}
        try:
            hello = answer(connection, self._options.token, expected)
            self._joining.append((int(hello["attention"]), connection))
            self._wake_in.send(b"!")
        except (OSError, UserError, ValueError, KeyError):
            connection.close()

    def _take_in(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(4096)
        while self._joining:
            index, connection = self._joining.popleft()
            if index in self._clients:
                self._drop(self._clients[index])
            largest, count = self._options.largest, self._options.num_microbatches
            payloads = registered_buffers(count, self._options.codec.rows_nbytes(largest))
            results = registered_buffers(count, self._options.codec.result_nbytes(largest))
            frames = FrameSocket(connection, payloads, self._rows_nbytes, self._options.delay_ns)
            client = _Client(index, frames, payloads, results)
            self._clients[index] = self._by_descriptor[frames.fileno()] = client
            self._watch(frames)

    def _rows_nbytes(self, frame: Frame) -> int:
        if frame.rows > self._options.max_rows or frame.top_k > self._options.top_k:
            raise FrameError(f"{frame.rows} rows to {frame.top_k} experts each")
        shape = Shape(frame.rows, self._options.hidden, frame.top_k)
        return self._options.codec.rows_nbytes(shape)
