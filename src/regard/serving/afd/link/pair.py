"""One attention and one FFN instance, joined for as long as both live.

Links of fixed membership are made of such pairs: when either is lost, the pair is torn down, and
the one that is left makes another with whoever comes in its place. The connection over which the
two shook hands stays open; its end is how either learns that the other is gone.
"""

import socket
from typing import NamedTuple, Protocol

import torch
from jaxtyping import UInt8
from torch import Tensor

from regard.serving.afd.codec import Shape
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.options import LinkOptions


class Message(NamedTuple):
    """Encoded rows or results."""

    key: Key
    """What they are."""
    shape: Shape
    """How many, how wide."""
    payload: UInt8[Tensor, " nbytes"]
    """Their bytes, in a registered buffer."""


class Pair(Protocol):
    """What both sides have of it. Whatever fails raises ConnectionError."""

    def send(self, message: Message) -> None:
        """Begin to send; the payload stays as it is until it is answered."""
        ...

    def abandon(self) -> None:
        """Let nobody wait for the other side, which is gone; any thread may call it, repeatedly."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class AttentionPair(Pair, Protocol):
    """As the attention instance has it."""

    def receive(self, key: Key, shape: Shape) -> UInt8[Tensor, " nbytes"]:
        """The bytes of a result; on a GPU the current stream waits for them."""
        ...


class FeedForwardPair(Pair, Protocol):
    """As the FFN instance has it."""

    def arrived(self) -> list[Message]:
        """Rows that have come."""
        ...

    def result_buffer(self, microbatch: int) -> UInt8[Tensor, " nbytes"]:
        """Where a result is to be encoded before it is sent."""
        ...


class Wiring(Protocol):
    """How pairs are made: over which kind of link, on which device."""

    @property
    def name(self) -> str:
        """As in `--afd-link`."""
        ...

    @property
    def device(self) -> torch.device:
        """Where rows and results are."""
        ...

    @property
    def rings(self) -> bool:
        """Whether rows that come make the connection readable; otherwise one has to look."""
        ...

    def attention_pair(self, connection: socket.socket, options: LinkOptions) -> AttentionPair:
        """Make a pair over a connection after its handshake."""
        ...

    def feed_forward_pair(self, connection: socket.socket, options: LinkOptions) -> FeedForwardPair:
        """The other side of `attention_pair`."""
        ...


def hello(wiring: Wiring, options: LinkOptions) -> dict[str, object]:
    """What both sides compare in their handshake."""
    return {**options.hello(), "purpose": f"rows over {wiring.name}"}
