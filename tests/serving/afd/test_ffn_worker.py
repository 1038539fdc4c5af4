import torch

from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.link.contract import Arrival, Key
from regard.serving.afd.trace import Recorder
from regard.serving.models.feed_forward import FeedForwardInput


class Doubling:
    """A feed-forward that remembers how many rows it was given at once."""

    def __init__(self):
        self.calls = []

    def __call__(self, rows, adapters=()):
        self.calls.append(rows.x.shape[0])
        return rows.x * 2


class ListLink:
    def __init__(self, arrivals):
        self.arrivals, self.sent = arrivals, []

    def receive(self, timeout_seconds=None):
        arrivals, self.arrivals = self.arrivals, []
        return arrivals

    def send(self, arrival, result):
        self.sent.append((arrival.source, arrival.key, result.clone()))


def arrival(source, layer, microbatch, rows):
    x = torch.full((rows, 3), float(10 * source + microbatch))
    none = torch.empty(rows, 0)
    return Arrival(source, Key(7, layer, microbatch), FeedForwardInput(x, none.long(), none))


def test_messages_of_one_layer_are_computed_together_and_answered_apart():
    layers = [Doubling(), Doubling()]
    waiting = [arrival(0, 1, 0, 2), arrival(1, 0, 0, 1), arrival(2, 1, 2, 4)]
    link = ListLink(waiting)
    recorder = Recorder("ffn0")
    assert FfnWorker(layers, link, recorder).step() == 3
    assert [layer.calls for layer in layers] == [[1], [6]]
    assert {(source, key) for source, key, _ in link.sent} == {(a.source, a.key) for a in waiting}
    for source, key, result in link.sent:
        expected = next(a for a in waiting if (a.source, a.key) == (source, key)).rows.x * 2
        assert torch.equal(result, expected)
    spans = recorder.spans()
    assert [(s.peer, s.layer, s.microbatch, s.rows) for s in spans] == [
        ("attention0", 1, 0, 2), ("attention2", 1, 2, 4), ("attention1", 0, 0, 1),
    ]  # fmt: skip
    assert spans[0][6:8] == spans[1][6:8]


def test_nothing_waiting_is_nothing_done():
    assert FfnWorker([], ListLink([])).step(0.0) == 0
