"""The attention end over TCP: one connection to each FFN instance, which may go and come back."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from jaxtyping import UInt8
from torch import Tensor

from regard.serving.afd.codec import Shape, shape_of
from regard.serving.afd.handshake import HandshakeError, call
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.frames import Frame, FrameError, FrameSocket, registered_buffers
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.patience import OnLoss, Patience
from regard.serving.afd.link.poller import Poller
from regard.serving.afd.trace import Recorder
from regard.serving.models.feed_forward import FeedForwardInput

RETRY_SECONDS = 0.05
CONNECT_SECONDS = 2.0
WAKE_UP_NS = 150_000


class Address(NamedTuple):
    """Where an FFN instance listens."""

    host: str
    """Host name or number."""
    port: int
    """Port."""
    generation: int = 0
    """Counts replacements: a higher one takes the place of a connection that still stands."""


class _Message(NamedTuple):
    key: Key
    shape: Shape
    payload: UInt8[Tensor, " nbytes"]


@dataclass(eq=False)
class _Peer:
    """One FFN instance as this end knows it."""

    index: int
    results: list[Tensor]
    address: Address | None = None
    connected: Address | None = None
    frames: FrameSocket | None = None
    arrived: dict[int, Frame] = field(default_factory=dict)
    visible_ns: dict[int, int] = field(default_factory=dict)
    lost_since: float = 0.0
    retry_at: float = 0.0


class TcpAttentionEnd:
    """See `AttentionEnd`.

    What was sent stays in its buffer until the result is there, so an FFN instance that takes a
    lost one's place gets the rows again and the step goes on: FFN instances keep no state.
    """

    def __init__(
        self,
        options: LinkOptions,
        *,
        index: int,
        num_ffn: int,
        on_ffn_loss: OnLoss,
        recovery_timeout_seconds: float,
        recorder: Recorder | None = None,
        on_lost: Callable[[int, str], None] = lambda ffn, reason: None,
    ) -> None:
        """Lay the buffers out; nothing is connected before it is needed.

        Args:
            options: of the link.
            index: which attention instance this is.
            num_ffn: FFN instances.
            on_ffn_loss: wait for a replacement, or fail the step at once.
            recovery_timeout_seconds: how long to wait.
            recorder: where the moments of arrival go.
            on_lost: called with an FFN instance's number and the reason when its connection ends.
        """
        self._options, self._index = options, index
        self._patience = Patience(on_ffn_loss, recovery_timeout_seconds)
        self._recorder, self._on_lost = recorder, on_lost
        self._poller = Poller(options.spin_seconds)
        self._connected: dict[int, _Peer] = {}
        # Written by other threads, one entry at a time.
        self._addresses: dict[int, Address] = {}
        largest, count = options.largest, options.num_microbatches
        self._payloads = registered_buffers(count, options.codec.rows_nbytes(largest))
        self._outstanding: dict[int, _Message] = {}
        now = time.monotonic()
        self._peers = [
            _Peer(
                ffn,
                registered_buffers(count, options.codec.result_nbytes(largest)),
                lost_since=now,
            )
            for ffn in range(num_ffn)
        ]

    def set_address(self, ffn: int, address: Address) -> None:
        """Say where an FFN instance listens, now or from now on; any thread may."""
        self._addresses[ffn] = address

    def send(self, key: Key, rows: FeedForwardInput) -> None:
        """Encode once, send to all; to an FFN instance that is gone when it is back."""
        shape = shape_of(rows)
        payload = self._payloads[key.microbatch][: self._options.codec.rows_nbytes(shape)]
        self._options.codec.encode_rows(rows, payload)
        message = _Message(key, shape, payload)
        self._outstanding[key.microbatch] = message
        for peer in self._peers:
            self._keep_connected(peer)
            if peer.frames is not None:
                self._send_to(peer, message)

    def receive(self, key: Key) -> Tensor:
        """Wait for every FFN instance's share; see `AttentionEnd` for errors.

        The sum may be a view of a buffer, good until the micro-batch is sent again.
        """
        microbatch = key.microbatch
        message = self._outstanding[microbatch]
        while missing := [peer for peer in self._peers if not _has(peer, key)]:
            self._wait(missing)
        visible_ns = max(peer.visible_ns[microbatch] for peer in self._peers)
        _pause_until(visible_ns)
        shape = message.shape._replace(top_k=0)
        total = self._options.codec.decode_result(self._peers[0].results[microbatch], shape)
        for peer in self._peers[1:]:
            total = total + self._options.codec.decode_result(peer.results[microbatch], shape)
        del self._outstanding[microbatch]
        return total

    def settle(self) -> None:
        """What was received is there."""

    def close(self) -> None:
        """Hang up on all."""
        for peer in self._peers:
            if peer.frames is not None:
                peer.frames.close()
                peer.frames = None

    def _wait(self, missing: list[_Peer]) -> None:
        """Wait for bytes from the peers whose results are missing; mend their connections."""
        for peer in missing:
            self._keep_connected(peer)
        for descriptor, _ in self._poller.wait(RETRY_SECONDS):
            self._read(self._connected[descriptor])

    def _read(self, peer: _Peer) -> None:
        assert peer.frames is not None
        try:
            if peer.frames.has_unsent:
                peer.frames.flush()
                self._watch(peer.frames)
            frames = peer.frames.read()
        except OSError as error:
            self._lose(peer, str(error))
            return
        for frame in frames:
            peer.arrived[frame.key.microbatch] = frame
            visible_ns = peer.visible_ns[frame.key.microbatch] = peer.frames.visible_ns(frame)
            if self._recorder:
                at = max(self._recorder.now(), visible_ns)
                self._recorder.add("receive", *frame.key, frame.rows, at, at, f"ffn{peer.index}")

    def _keep_connected(self, peer: _Peer) -> None:
        """Connect where that is needed and possible; raises once waiting is no use."""
        address = self._addresses.get(peer.index)
        if peer.frames is not None:
            if peer.connected == address:
                return
            self._lose(peer, "another instance takes its place")
        now = time.monotonic()
        if address is not None and now >= peer.retry_at:
            peer.retry_at = now + RETRY_SECONDS
            self._connect(peer, address)
        if peer.frames is None:
            self._patience.check(peer.index, peer.lost_since)

    def _connect(self, peer: _Peer, address: Address) -> None:
        try:
            connection = socket.create_connection(address[:2], CONNECT_SECONDS)
        except OSError:
            return
        hello = {**self._options.hello(), "attention": self._index, "ffn": peer.index}
        try:
            call(connection, self._options.token, hello)
        except HandshakeError:
            connection.close()
            raise
        except OSError:
            connection.close()
            return
        peer.frames = FrameSocket(
            connection, peer.results, self._result_nbytes, self._options.delay_ns
        )
        peer.connected = address
        self._connected[peer.frames.fileno()] = peer
        self._watch(peer.frames)
        for message in self._outstanding.values():
            if not _has(peer, message.key):
                self._send_to(peer, message)

    def _send_to(self, peer: _Peer, message: _Message) -> None:
        assert peer.frames is not None
        try:
            peer.frames.send(message.key, message.shape.rows, message.shape.top_k, message.payload)
        except OSError as error:
            self._lose(peer, str(error))
            return
        if peer.frames.has_unsent:
            self._watch(peer.frames)

    def _watch(self, frames: FrameSocket) -> None:
        events = select.POLLIN | (select.POLLOUT if frames.has_unsent else 0)
        self._poller.watch(frames.fileno(), events)

    def _lose(self, peer: _Peer, reason: str) -> None:
        assert peer.frames is not None
        self._poller.forget(peer.frames.fileno())
        del self._connected[peer.frames.fileno()]
        peer.frames.close()
        peer.frames, peer.connected = None, None
        peer.lost_since = time.monotonic()
        self._on_lost(peer.index, reason)

    def _result_nbytes(self, frame: Frame) -> int:
        message = self._outstanding.get(frame.key.microbatch)
        if frame.rows > self._options.max_rows:
            raise FrameError(f"{frame.rows} rows")
        if message is not None and message.key == frame.key and message.shape.rows != frame.rows:
            raise FrameError(f"{frame.rows} rows for {message.shape.rows}")
        return self._options.codec.result_nbytes(Shape(frame.rows, self._options.hidden, 0))


def _has(peer: _Peer, key: Key) -> bool:
    frame = peer.arrived.get(key.microbatch)
    return frame is not None and frame.key == key


def _pause_until(moment_ns: int) -> None:
    """Sleep, but not so long that waking up could be late; the rest is spun away."""
    if (left := moment_ns - time.perf_counter_ns()) > WAKE_UP_NS:
        time.sleep((left - WAKE_UP_NS) * 1e-9)
    while time.perf_counter_ns() < moment_ns:
        pass
