"""Frames over a socket that is never waited on: a header, then a registered buffer's bytes."""

import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import UInt8
from torch import Tensor

from regard.serving.afd.link.contract import Key

HEADER = struct.Struct("<IHBBIQ")
"""Step, layer, micro-batch, experts a row, rows, time of sending (ns)."""

STAGING_BYTES = 1 << 16


class FrameError(ConnectionError):
    """The other side sent what no instance sends."""


class Frame(NamedTuple):
    """A message without its bytes, which are in the buffer of its micro-batch."""

    key: Key
    """What it is about."""
    rows: int
    """Rows."""
    top_k: int
    """Routed experts a row."""
    sent_ns: int
    """The sender's monotonic clock."""


class FrameSocket:
    """One connection between an attention and an FFN instance.

    A frame is received into the buffer of its micro-batch and sent from one, so that nothing is
    allocated or copied on the way; the contract of the link keeps a buffer unchanged while it is
    under way.
    """

    def __init__(
        self,
        connection: socket.socket,
        buffers: Sequence[UInt8[Tensor, " nbytes"]],
        nbytes_of: Callable[[Frame], int],
        delay_ns: int = 0,
    ) -> None:
        """Take over a connected socket.

        Args:
            connection: after its handshake.
            buffers: where frames go, one a micro-batch.
            nbytes_of: size of a frame's payload; it raises FrameError on an impossible frame.
            delay_ns: how much slower the wire shall seem.
        """
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._views = [_view(buffer) for buffer in buffers]
        self._nbytes_of = nbytes_of
        self._delay_ns = delay_ns
        self._fastest_ns: int | None = None
        self._staging = memoryview(bytearray(STAGING_BYTES))
        self._held = 0
        self._frame: Frame | None = None
        self._target = self._staging[:0]
        self._filled = 0
        self._outgoing: deque[memoryview] = deque()

    def fileno(self) -> int:
        """For poll; -1 once closed."""
        return self._connection.fileno()

    @property
    def has_unsent(self) -> bool:
        """Whether bytes wait for room."""
        return bool(self._outgoing)

    def send(self, key: Key, rows: int, top_k: int, payload: UInt8[Tensor, " nbytes"]) -> None:
        """Send a frame, or as much as there is room for.

        Raises:
            ConnectionError: the other side is gone.
        """
        header = HEADER.pack(*key, top_k, rows, time.perf_counter_ns())
        self._outgoing += (memoryview(header), _view(payload))
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as there is room.

        Raises:
            ConnectionError: the other side is gone.
        """
        while self._outgoing:
            try:
                count = self._connection.sendmsg(self._outgoing)
            except BlockingIOError:
                return
            while self._outgoing and count >= len(self._outgoing[0]):
                count -= len(self._outgoing.popleft())
            if count:
                self._outgoing[0] = self._outgoing[0][count:]

    def read(self) -> list[Frame]:
        """The frames that are complete now.

        Raises:
            ConnectionError: the other side is gone.
            FrameError: what came is no frame.
        """
        complete: list[Frame] = []
        while True:
            # Small frames come by way of a staging buffer, several with one call; the rest of a
            # larger one goes straight to its place.
            is_direct = self._frame is not None
            room = self._target[self._filled :] if is_direct else self._staging[self._held :]
            try:
                count = self._connection.recv_into(room)
            except BlockingIOError:
                return complete
            if count == 0:
                raise ConnectionResetError("the other side hung up")
            if is_direct:
                self._fill(count, complete)
            else:
                self._parse(self._held + count, complete)
                if count < len(room) and self._frame is None:
                    return complete

    def visible_ns(self, frame: Frame) -> int:
        """When a frame may be used: once read, but on a slower wire it would still be under way.

        When it came is not known, since it may have waited for this side to read; the quickest
        frame so far, which did not, tells what the wire takes (and how far the clocks are apart).
        """
        if not self._delay_ns or self._fastest_ns is None:
            return 0
        return frame.sent_ns + self._fastest_ns + self._delay_ns

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _parse(self, end: int, complete: list[Frame]) -> None:
        """Take the frames in the staging buffer; of the last one, what is there."""
        at = 0
        while end - at >= HEADER.size:
            self._begin(at)
            at += HEADER.size
            size = min(end - at, len(self._target))
            self._target[:size] = self._staging[at : at + size]
            at += size
            self._fill(size, complete)
        self._held = end - at
        if self._held:
            self._staging[: self._held] = bytes(self._staging[at:end])

    def _fill(self, count: int, complete: list[Frame]) -> None:
        assert self._frame is not None
        self._filled += count
        if self._filled == len(self._target):
            complete.append(self._frame)
            took_ns = time.perf_counter_ns() - self._frame.sent_ns
            if self._fastest_ns is None or took_ns < self._fastest_ns:
                self._fastest_ns = took_ns
            self._frame = None

    def _begin(self, at: int) -> None:
        """Make ready for the frame whose header stands there in the staging buffer."""
        step, layer, microbatch, top_k, rows, sent_ns = HEADER.unpack_from(self._staging, at)
        frame = Frame(Key(step, layer, microbatch), rows, top_k, sent_ns)
        if microbatch >= len(self._views):
            raise FrameError(f"micro-batch {microbatch} of {len(self._views)}")
        nbytes = self._nbytes_of(frame)
        if not 0 < nbytes <= len(self._views[microbatch]):
            raise FrameError(f"{nbytes} bytes for a buffer of {len(self._views[microbatch])}")
        self._frame = frame
        self._target, self._filled = self._views[microbatch][:nbytes], 0


def _view(buffer: Tensor) -> memoryview:
    array: Any = buffer.numpy()
    return memoryview(array)


def registered_buffers(
    count: int, nbytes: int, device: torch.device | None = None
) -> list[UInt8[Tensor, " nbytes"]]:
    """Buffers for so many micro-batches, on the CPU unless said otherwise."""
    return [torch.empty(nbytes, dtype=torch.uint8, device=device) for _ in range(count)]
