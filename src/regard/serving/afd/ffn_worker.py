"""An FFN instance: rows in, results out, no state of any request."""

from collections.abc import Sequence

import torch

from regard.serving.afd.link.contract import Arrival, FeedForwardEnd
from regard.serving.afd.trace import Recorder
from regard.serving.models.feed_forward import FeedForward, FeedForwardInput


class FfnWorker:
    """Runs the feed-forwards that one instance holds on whatever arrives."""

    def __init__(
        self,
        feed_forwards: Sequence[FeedForward],
        link: FeedForwardEnd,
        recorder: Recorder | None = None,
    ) -> None:
        self._feed_forwards = feed_forwards
        self._link = link
        self._recorder = recorder

    @torch.inference_mode()
    def step(self, timeout_seconds: float | None = None) -> int:
        """Take all that waits, run it layer by layer, answer; how many messages that were.

        Messages of one layer are run together, whoever sent them: the weights are read once.
        """
        arrivals = self._link.receive(timeout_seconds)
        groups: dict[int, list[Arrival]] = {}
        for arrival in arrivals:
            groups.setdefault(arrival.key.layer, []).append(arrival)
        for layer, group in groups.items():
            self._run(layer, group)
        return len(arrivals)

    def _run(self, layer: int, group: Sequence[Arrival]) -> None:
        started = self._recorder.now() if self._recorder else 0
        sizes = [arrival.rows.x.shape[0] for arrival in group]
        parts = [arrival.rows for arrival in group]
        rows = parts[0] if len(parts) == 1 else _joined(parts)
        results = torch.split(self._feed_forwards[layer](rows), sizes)
        if self._recorder:
            ended = self._recorder.now()
            for arrival, size in zip(group, sizes, strict=True):
                peer = f"attention{arrival.source}"
                self._recorder.add("feed_forward", *arrival.key, size, started, ended, peer)
        for arrival, result in zip(group, results, strict=True):
            self._link.send(arrival, result)


def _joined(parts: Sequence[FeedForwardInput]) -> FeedForwardInput:
    x, ids, weights = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return FeedForwardInput(x, ids, weights)
