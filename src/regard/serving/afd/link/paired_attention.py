"""The attention end of links of fixed membership: a pair with each FFN instance."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from regard.serving.afd.codec import Shape, shape_of
from regard.serving.afd.handshake import HandshakeError, call
from regard.serving.afd.link.contract import Key, StepLostError
from regard.serving.afd.link.frames import registered_buffers
from regard.serving.afd.link.hangup import HangupWatch
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.pair import AttentionPair, Message, Wiring, hello
from regard.serving.afd.link.patience import OnLoss, Patience
from regard.serving.afd.link.tcp_attention import CONNECT_SECONDS, RETRY_SECONDS, Address
from regard.serving.afd.trace import Recorder
from regard.serving.models.feed_forward import FeedForwardInput


@dataclass(eq=False)
class _Peer:
    """One FFN instance as this end knows it."""

    index: int
    lost_since: float
    pair: AttentionPair | None = None
    connection: socket.socket | None = None
    connected: Address | None = None
    is_lost: bool = False
    retry_at: float = 0.0


@dataclass(eq=False)
class _Sent:
    """A message, and the pairs that owe its result."""

    key: Key
    shape: Shape
    owed: dict[int, AttentionPair] = field(default_factory=dict)


class PairedAttentionEnd:
    """See `AttentionEnd`.

    Nothing is sent again: with an FFN instance goes what it had not answered, and the step is
    taken again once another has its place. A CUDA graph can capture `send` and `receive` where
    the pairs can be captured.
    """

    def __init__(
        self,
        options: LinkOptions,
        wiring: Wiring,
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
            wiring: makes the pairs.
            index: which attention instance this is.
            num_ffn: FFN instances.
            on_ffn_loss: wait for a replacement, or fail the step at once.
            recovery_timeout_seconds: how long to wait.
            recorder: where the moments of arrival go.
            on_lost: called with an FFN instance's number and the reason when it is lost.
        """
        self._options, self._wiring, self._index = options, wiring, index
        self._patience = Patience(on_ffn_loss, recovery_timeout_seconds)
        self._recorder, self._on_lost = recorder, on_lost
        self._peers = [_Peer(ffn, time.monotonic()) for ffn in range(num_ffn)]
        nbytes = options.codec.rows_nbytes(options.largest)
        self._payloads = registered_buffers(options.num_microbatches, nbytes, wiring.device)
        # Written by other threads, one entry at a time.
        self._addresses: dict[int, Address] = {}
        self._sent: dict[int, _Sent] = {}
        self._watch = HangupWatch()

    def set_address(self, ffn: int, address: Address) -> None:
        """Say where an FFN instance listens, now or from now on; any thread may."""
        self._addresses[ffn] = address
        peer = self._peers[ffn]
        if peer.connected not in (None, address) and peer.connection is not None:
            # Ends every wait for the one whose place was given away.
            with contextlib.suppress(OSError):
                peer.connection.shutdown(socket.SHUT_RDWR)

    def send(self, key: Key, rows: FeedForwardInput) -> None:
        """Encode once, send to all; see `AttentionEnd` for errors."""
        self._discard(key.microbatch)
        for peer in self._peers:
            while not self._keep_connected(peer):
                time.sleep(RETRY_SECONDS)
        shape = shape_of(rows)
        payload = self._payloads[key.microbatch][: self._options.codec.rows_nbytes(shape)]
        self._options.codec.encode_rows(rows, payload)
        sent = self._sent[key.microbatch] = _Sent(key, shape._replace(top_k=0))
        for peer in self._peers:
            with self._losing_the_step(peer) as pair:
                pair.send(Message(key, shape, payload))
                sent.owed[peer.index] = pair

    def receive(self, key: Key) -> Tensor:
        """Add the shares up; the sum may be a view of a buffer, as of `TcpAttentionEnd`."""
        sent = self._sent[key.microbatch]
        shares = [self._take(peer, sent) for peer in self._peers]
        del self._sent[key.microbatch]
        total = shares[0]
        for share in shares[1:]:
            total = total + share
        return total

    def settle(self) -> None:
        """Wait for the GPU; whatever was lost has then been noticed."""
        if self._wiring.device.type == "cuda":
            torch.cuda.current_stream(self._wiring.device).synchronize()
        for peer in self._peers:
            with self._losing_the_step(peer):
                pass

    def close(self) -> None:
        """Hang up on all."""
        for peer in self._peers:
            if peer.pair is not None:
                self._part(peer)
        self._watch.close()

    def _take(self, peer: _Peer, sent: _Sent) -> Tensor:
        with self._losing_the_step(peer) as pair:
            if sent.owed.pop(peer.index, None) is not pair:
                raise StepLostError(f"FFN instance {peer.index} was replaced")
            result = pair.receive(sent.key, sent.shape)
        if self._recorder:
            at = self._recorder.now()
            self._recorder.add("receive", *sent.key, sent.shape.rows, at, at, f"ffn{peer.index}")
        return self._options.codec.decode_result(result, sent.shape)

    def _discard(self, microbatch: int) -> None:
        """Take what a step that was given up left on the way: its buffers are needed."""
        sent = self._sent.pop(microbatch, None)
        if sent is None:
            return
        for ffn, pair in sent.owed.items():
            if self._peers[ffn].pair is pair:
                with contextlib.suppress(StepLostError), self._losing_the_step(self._peers[ffn]):
                    pair.receive(sent.key, sent.shape)

    @contextlib.contextmanager
    def _losing_the_step(self, peer: _Peer) -> Iterator[AttentionPair]:
        """The peer's pair; whoever finds it lost loses the step."""
        if peer.pair is None:
            raise StepLostError(f"FFN instance {peer.index} is gone")
        try:
            yield peer.pair
            if peer.is_lost:
                raise ConnectionResetError("it hung up")
        except OSError as error:
            self._lose(peer, str(error))
            raise StepLostError(f"FFN instance {peer.index} is gone: {error}") from error

    def _keep_connected(self, peer: _Peer) -> bool:
        """Connect where that is needed and possible; raises once waiting is no use."""
        address = self._addresses.get(peer.index)
        if peer.pair is not None:
            if peer.connected == address and not peer.is_lost:
                return True
            self._lose(peer, "another instance takes its place")
        now = time.monotonic()
        if address is not None and now >= peer.retry_at:
            peer.retry_at = now + RETRY_SECONDS
            self._connect(peer, address)
        if peer.pair is None:
            self._patience.check(peer.index, peer.lost_since)
        return peer.pair is not None

    def _connect(self, peer: _Peer, address: Address) -> None:
        try:
            connection = socket.create_connection(address[:2], CONNECT_SECONDS)
        except OSError:
            return
        words = {**hello(self._wiring, self._options), "attention": self._index, "ffn": peer.index}
        try:
            call(connection, self._options.token, words)
            peer.pair = self._wiring.attention_pair(connection, self._options)
        except HandshakeError:
            connection.close()
            raise
        except OSError:
            connection.close()
            return
        peer.connection, peer.connected, peer.is_lost = connection, address, False
        pair = peer.pair

        def abandon() -> None:
            peer.is_lost = True
            pair.abandon()

        self._watch.watch(connection, abandon)

    def _lose(self, peer: _Peer, reason: str) -> None:
        self._part(peer)
        peer.lost_since = time.monotonic()
        self._on_lost(peer.index, reason)

    def _part(self, peer: _Peer) -> None:
        assert peer.pair is not None
        assert peer.connection is not None
        self._watch.forget(peer.connection)
        peer.pair.close()
        peer.connection.close()
        peer.pair, peer.connection, peer.connected = None, None, None
