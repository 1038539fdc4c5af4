"""Pairs over torch.distributed: NCCL between GPUs, gloo between CPUs.

Each pair is two groups of two processes, one for rows and one for results, because a group keeps
one order for both directions. What a message is goes over the pair's connection, its bytes over the
group; the receiver asks the group for messages in the order of their headers. A group cannot lose a
member: with the other side gone both are aborted, and a new pair has new ones.
"""

import contextlib
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from regard.serving.afd.codec import Shape
from regard.serving.afd.handshake import HANDSHAKE_SECONDS, HELLO_LIMIT, receive_json, send_json
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.frames import HEADER, STAGING_BYTES, FrameError, registered_buffers
from regard.serving.afd.link.group import (
    Backend,
    Group,
    Work,
    as_connection_error,
    make_group,
    open_store,
)
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.pair import Message

ATTENTION, FFN = 0, 1
"""Ranks."""


@dataclass(frozen=True)
class CollectiveWiring:
    """See `Wiring`."""

    name: Backend
    """The backend of torch.distributed."""
    device: torch.device
    """A GPU for nccl, the CPU for gloo."""
    rings: bool = True
    """The headers do."""

    def attention_pair(self, connection: socket.socket, options: LinkOptions) -> "CollectivePair":
        """Join the FFN instance's store, then its groups."""
        connection.settimeout(HANDSHAKE_SECONDS)
        port = receive_json(connection, HELLO_LIMIT).get("store")
        if not isinstance(port, int):
            raise FrameError("the FFN instance named no store")
        host = connection.getpeername()[0]
        with as_connection_error():
            store = open_store(host, port)
        return self._pair(connection, options, store, ATTENTION)

    def feed_forward_pair(
        self, connection: socket.socket, options: LinkOptions
    ) -> "CollectivePair":
        """Open a store for this pair alone, on the address that the caller knows."""
        connection.settimeout(HANDSHAKE_SECONDS)
        host = connection.getsockname()[0]
        listener = socket.create_server((host, 0))
        port = listener.getsockname()[1]
        with as_connection_error():
            store = open_store(host, port, listening=listener.detach())
        send_json(connection, {"store": port})
        return self._pair(connection, options, store, FFN)

    def _pair(
        self, connection: socket.socket, options: LinkOptions, store: Any, rank: int
    ) -> "CollectivePair":
        host = connection.getsockname()[0]
        with as_connection_error():
            rows, results = (
                make_group(self.name, store, name, rank=rank, host=host, device=self.device)
                for name in ("rows", "results")
            )
        connection.settimeout(None)
        rows_nbytes, result_nbytes = options.codec.rows_nbytes, options.codec.result_nbytes
        if rank == ATTENTION:
            return CollectivePair(self, connection, options, (rows, results), FFN, result_nbytes)
        return CollectivePair(self, connection, options, (results, rows), ATTENTION, rows_nbytes)


class CollectivePair:
    """See `AttentionPair` and `FeedForwardPair`."""

    def __init__(
        self,
        wiring: CollectiveWiring,
        connection: socket.socket,
        options: LinkOptions,
        groups: tuple[Group, Group],
        other: int,
        nbytes_of: Callable[[Shape], int],
    ) -> None:
        """Lay out the buffers.

        Args:
            wiring: the backend and the device.
            connection: for headers.
            options: of the link.
            groups: what this side sends through, and what it receives through.
            other: the other side's rank.
            nbytes_of: bytes of what this side receives.
        """
        self._wiring, self._connection, self._options = wiring, connection, options
        self._outward, self._inward = groups
        self._other, self._nbytes_of = other, nbytes_of
        count, largest = options.num_microbatches, options.largest
        self._incoming = registered_buffers(count, nbytes_of(largest), wiring.device)
        nbytes = options.codec.result_nbytes(largest)
        self._results = registered_buffers(
            count, nbytes if other == ATTENTION else 0, wiring.device
        )
        # gloo drops what nobody holds on to.
        self._sending: dict[int, Work] = {}
        self._arrived: dict[int, Message] = {}
        self._held = b""
        self._is_abandoned = False

    def send(self, message: Message) -> None:
        """Header, then bytes."""
        key, shape, payload = message
        self._connection.sendall(HEADER.pack(*key, shape.top_k, shape.rows, 0))
        with as_connection_error():
            self._sending[key.microbatch] = self._outward.send([payload], self._other, 0)

    def receive(self, key: Key, shape: Shape) -> Tensor:
        """Take messages as they come until this one is among them."""
        while True:
            message = self._arrived.pop(key.microbatch, None)
            if message is not None and message.key == key and message.shape == shape:
                return message.payload
            select.select([self._connection], [], [])
            self._arrived.update({each.key.microbatch: each for each in self.arrived()})

    def arrived(self) -> list[Message]:
        """Every message whose header is here."""
        self._read()
        messages = []
        while len(self._held) >= HEADER.size:
            step, layer, microbatch, top_k, rows, _ = HEADER.unpack_from(self._held)
            self._held = self._held[HEADER.size :]
            key, shape = Key(step, layer, microbatch), Shape(rows, self._options.hidden, top_k)
            messages.append(Message(key, shape, self._bytes_of(key, shape)))
        return messages

    def result_buffer(self, microbatch: int) -> Tensor:
        """One a micro-batch."""
        return self._results[microbatch]

    def abandon(self) -> None:
        """Abort; kernels that wait for the other side end."""
        if self._wiring.name == "nccl" and not self._is_abandoned:
            self._is_abandoned = True
            self._outward.abort()
            self._inward.abort()

    def close(self) -> None:
        """Abort."""
        self.abandon()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._connection.recv(STAGING_BYTES, socket.MSG_DONTWAIT)
                if not data:
                    raise ConnectionResetError("the other side hung up")
                self._held += data

    def _bytes_of(self, key: Key, shape: Shape) -> Tensor:
        largest = self._options.largest
        if key.microbatch >= len(self._incoming) or not 0 < shape.rows <= largest.rows:
            raise FrameError(f"{shape.rows} rows for micro-batch {key.microbatch}")
        if shape.top_k > largest.top_k:
            raise FrameError(f"{shape.top_k} experts a row; at most {largest.top_k} are known")
        buffer = self._incoming[key.microbatch][: self._nbytes_of(shape)]
        if self._wiring.name == "nccl":
            # Of a message that is cut short the rest must not be taken for numbers of experts.
            buffer.zero_()
        with as_connection_error():
            self._inward.recv([buffer], self._other, 0).wait()
        return buffer
