"""Attention and FFN instances in one process: the specification of every other link."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from regard.serving.afd.codec import Codec, Shape, shape_of
from regard.serving.afd.link.contract import Arrival, Key
from regard.serving.models.feed_forward import FeedForwardInput


class Steps(Protocol):
    """An FFN worker."""

    def step(self) -> int:
        """Work on what waits."""
        ...


class InProcessNetwork:
    """Queues between so many attention and FFN instances; everything goes through the codec."""

    def __init__(self, num_attention: int, num_ffn: int, codec: Codec) -> None:
        self.codec = codec
        self.inboxes: list[deque[tuple[int, Key, Shape, Tensor]]] = [
            deque() for _ in range(num_ffn)
        ]
        self.results: list[dict[tuple[int, Key], Tensor]] = [{} for _ in range(num_attention)]
        self.feed_forward_ends = [InProcessFeedForwardEnd(self, i) for i in range(num_ffn)]

    def attention_end(self, index: int, workers: Sequence[Steps]) -> "InProcessAttentionEnd":
        """The end of one attention instance; it runs the FFN workers whenever it waits."""
        return InProcessAttentionEnd(self, index, workers)


class InProcessAttentionEnd:
    """See `AttentionEnd`."""

    def __init__(self, network: InProcessNetwork, index: int, workers: Sequence[Steps]) -> None:
        self._network, self._index, self._workers = network, index, workers
        self._shapes: dict[Key, Shape] = {}

    def send(self, key: Key, rows: FeedForwardInput) -> None:
        """Put the rows into every inbox."""
        shape = shape_of(rows)
        buffer = torch.empty(self._network.codec.rows_nbytes(shape), dtype=torch.uint8)
        self._network.codec.encode_rows(rows, buffer)
        self._shapes[key] = shape
        for inbox in self._network.inboxes:
            inbox.append((self._index, key, shape, buffer))

    def receive(self, key: Key) -> Tensor:
        """Run the workers until all have answered."""
        shape = self._shapes.pop(key)
        total = torch.zeros(shape.rows, shape.hidden)
        results = self._network.results[self._index]
        for ffn, worker in enumerate(self._workers):
            while (ffn, key) not in results:
                worker.step()
            total += self._network.codec.decode_result(results.pop((ffn, key)), shape)
        return total

    def settle(self) -> None:
        """What was received is there."""

    def close(self) -> None:
        """Nothing is open."""


class InProcessFeedForwardEnd:
    """See `FeedForwardEnd`."""

    def __init__(self, network: InProcessNetwork, index: int) -> None:
        self._network, self._index = network, index

    def receive(self, timeout_seconds: float | None = None) -> list[Arrival]:
        """Whatever is in the inbox; it never waits, because nobody else could fill it."""
        inbox = self._network.inboxes[self._index]
        waiting = [inbox.popleft() for _ in range(len(inbox))]
        return [
            Arrival(source, key, self._network.codec.decode_rows(buffer, shape))
            for source, key, shape, buffer in waiting
        ]

    def send(self, arrival: Arrival, result: Tensor) -> None:
        """Leave the result for its attention instance."""
        shape = shape_of(arrival.rows)
        buffer = torch.empty(self._network.codec.result_nbytes(shape), dtype=torch.uint8)
        self._network.codec.encode_result(result, buffer)
        self._network.results[arrival.source][(self._index, arrival.key)] = buffer

    def close(self) -> None:
        """Nothing is open."""
