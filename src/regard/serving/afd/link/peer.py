"""Pairs of processes on one machine whose GPUs write into each other's memory.

Each side has registered buffers, one a micro-batch, and opens the other's. A message is a copy into
the other's buffer and then a word in a page of the host's memory that both share, all in the order
of a stream: the host waits for nothing, and a CUDA graph can hold it. Copies between GPUs are made
by copy engines, so no multiprocessor is taken from attention or experts. There is no multicast.

The attention side lets its stream wait for a result's word; the FFN side looks for rows' words from
the host, because what has come decides what is run together.
"""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from regard.serving.afd.codec import Shape
from regard.serving.afd.config import MAX_MICROBATCHES
from regard.serving.afd.handshake import (
    HANDSHAKE_SECONDS,
    HELLO_LIMIT,
    HandshakeError,
    receive_json,
    send_json,
)
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.copier import Copier
from regard.serving.afd.link.cuda_copier import CudaCopier, CudaError
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.pair import Message
from regard.serving.afd.link.signals import NUM_BYTES, SignalPage
from regard.serving.afd.link.word import pack, unpack

IDLE_SECONDS = 0.001
ROWS, RESULTS = 0, MAX_MICROBATCHES
"""Where the words of the two directions begin."""


@dataclass(frozen=True)
class PeerWiring:
    """See `Wiring`."""

    device: torch.device
    """This instance's GPU; the other's may be the same."""
    copier: Callable[[torch.device], Copier] = CudaCopier
    """Makes what a pair holds of it."""
    name: str = "peer"
    """As in `--afd-link`."""
    rings: bool = False
    """The words of the page are all there is."""

    def attention_pair(self, connection: socket.socket, options: LinkOptions) -> "PeerPair":
        """Offer a page and buffers for results; open the other's buffers for rows."""
        connection.settimeout(HANDSHAKE_SECONDS)
        with ExitStack() as held:
            page, copier = SignalPage.create(), self.copier(self.device)
            held.callback(page.close)
            held.callback(copier.close)
            buffers = _Buffers(copier, options, RESULTS)
            offer = {"machine": _machine(), "page": page.ticket, "buffers": buffers.exported}
            send_json(connection, offer)
            reply = receive_json(connection, HELLO_LIMIT)
            if "refused" in reply:
                raise HandshakeError(f"refused by the other side: {reply['refused']}")
            try:
                far = copier.open(reply["buffers"])
            except CudaError as error:
                raise HandshakeError(_unreachable(error)) from error
            held.pop_all()
        connection.settimeout(None)
        return PeerPair(copier, page, options, buffers, far)

    def feed_forward_pair(self, connection: socket.socket, options: LinkOptions) -> "PeerPair":
        """Open what is offered, or say why that cannot be."""
        connection.settimeout(HANDSHAKE_SECONDS)
        offer = receive_json(connection, HELLO_LIMIT)
        with ExitStack() as held:
            try:
                if offer["machine"] != _machine():
                    raise ConnectionError("this is another machine")
                page = SignalPage.open(offer["page"])
                held.callback(page.close)
                copier = self.copier(self.device)
                held.callback(copier.close)
                far = copier.open(offer["buffers"])
                buffers = _Buffers(copier, options, ROWS)
            except (OSError, CudaError) as error:
                send_json(connection, {"refused": _unreachable(error)})
                raise ConnectionError(_unreachable(error)) from error
            send_json(connection, {"buffers": buffers.exported})
            held.pop_all()
        connection.settimeout(None)
        return PeerPair(copier, page, options, buffers, far)


class _Buffers:
    """What the other side writes into: rows at an FFN instance, results at an attention one."""

    def __init__(self, copier: Copier, options: LinkOptions, direction: int) -> None:
        self.direction = direction
        self.stride = stride(options, direction)
        nbytes = self.stride * options.num_microbatches
        address = copier.allocate(nbytes)
        self.exported = copier.export(address)
        whole = copier.tensor(address, nbytes)
        self.tensors = [
            whole[start : start + self.stride] for start in range(0, nbytes, self.stride)
        ]


class PeerPair:
    """See `AttentionPair` and `FeedForwardPair`."""

    def __init__(
        self, copier: Copier, page: SignalPage, options: LinkOptions, own: _Buffers, far: int
    ) -> None:
        """Take over what was exchanged.

        Args:
            copier: holds the memory.
            page: the words.
            options: of the link.
            own: buffers that the other side writes.
            far: the other side's buffers.
        """
        self._copier, self._page, self._options, self._own, self._far = (
            copier, page, options, own, far,
        )  # fmt: skip
        self._outward = RESULTS if own.direction == ROWS else ROWS
        self._far_stride = stride(options, self._outward)
        self._signals = copier.register(page.address, NUM_BYTES)
        count = options.num_microbatches
        nbytes = options.codec.result_nbytes(options.largest)
        self._staged = [
            torch.empty(nbytes, dtype=torch.uint8, device=own.tensors[0].device)
            for _ in range(count if own.direction == ROWS else 0)
        ]
        self._sent: dict[int, Any] = {}

    def send(self, message: Message) -> None:
        """Copy, then signal."""
        key, shape, payload = message
        target = self._far + key.microbatch * self._far_stride
        signal = self._signal(self._outward, key.microbatch)
        self._sent[key.microbatch] = self._copier.send(target, payload, signal, pack(key, shape))

    def wait(self, microbatch: int, nbytes: int) -> UInt8[Tensor, " nbytes"]:
        """What the other side sends next in this micro-batch; the stream waits for it.

        An FFN instance whose CUDA graph holds a fixed order of work takes its rows so.
        """
        self._copier.wait(self._signal(self._own.direction, microbatch))
        return self._own.tensors[microbatch][:nbytes]

    def join(self, microbatch: int) -> None:
        """Let the stream wait for what was sent; a CUDA graph must end with nothing left open."""
        self._copier.join(self._sent[microbatch])

    def receive(self, key: Key, shape: Shape) -> UInt8[Tensor, " nbytes"]:
        """A result, which shows that the rows have been read."""
        self.join(key.microbatch)
        return self.wait(key.microbatch, self._options.codec.result_nbytes(shape))

    def arrived(self) -> list[Message]:
        """Rows whose word is there."""
        messages = []
        for microbatch, buffer in enumerate(self._own.tensors):
            word = self._page.words[ROWS + microbatch]
            if word:
                self._page.words[ROWS + microbatch] = 0
                key, shape = unpack(word, microbatch, self._options)
                nbytes = self._options.codec.rows_nbytes(shape)
                messages.append(Message(key, shape, buffer[:nbytes]))
        return messages

    def result_buffer(self, microbatch: int) -> UInt8[Tensor, " nbytes"]:
        """One a micro-batch."""
        return self._staged[microbatch]

    def abandon(self) -> None:
        """Write the words that this side may wait for: what is read then is worth nothing."""
        for microbatch in range(self._options.num_microbatches):
            self._page.words[self._own.direction + microbatch] = 1

    def close(self) -> None:
        """Let what waits run through, then give everything back."""
        while not self._copier.is_idle():
            self.abandon()
            time.sleep(IDLE_SECONDS)
        self._copier.close()
        self._page.close()

    def _signal(self, direction: int, microbatch: int) -> int:
        return self._signals + 8 * (direction + microbatch)


def stride(options: LinkOptions, direction: int) -> int:
    """Bytes from one micro-batch's buffer to the next."""
    codec, largest = options.codec, options.largest
    nbytes = codec.rows_nbytes(largest) if direction == ROWS else codec.result_nbytes(largest)
    return -(-nbytes // 256) * 256


def _machine() -> str:
    """What tells this machine, as it is up now, from every other."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _unreachable(error: Exception) -> str:
    return (
        f"--afd-link peer needs all instances on one machine, with GPUs that reach each other's "
        f"memory ({error}); nccl does not"
    )
