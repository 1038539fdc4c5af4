"""The same small network over every link that this machine can run."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from regard.serving.afd.codec import make_codec
from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.link.collective import CollectiveWiring
from regard.serving.afd.link.in_process import InProcessNetwork
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.paired_attention import PairedAttentionEnd
from regard.serving.afd.link.paired_ffn import PairedFeedForwardEnd
from regard.serving.afd.link.tcp_attention import Address, TcpAttentionEnd
from regard.serving.afd.link.tcp_ffn import TcpFeedForwardEnd
from regard.serving.models.feed_forward import FeedForwardInput
from tests.serving.afd.link.host_copier import HOST_PEER

HIDDEN, TOP_K, MAX_ROWS, MICROBATCHES, LAYERS = 200, 3, 64, 3, 4


def options(wire="float32", **changes) -> LinkOptions:
    base = LinkOptions(
        token="secret",
        digest="d",
        codec=make_codec(wire, is_exact=False),
        hidden=HIDDEN,
        top_k=TOP_K,
        num_microbatches=MICROBATCHES,
        max_rows=MAX_ROWS,
    )
    return replace(base, **changes)


class Scaling:
    """Layer l of instance i multiplies by (l + 1) * 10^i, and adds each row's routing."""

    def __init__(self, layer, instance):
        self.factor = (layer + 1) * 10**instance

    def __call__(self, rows, adapters=()):
        routing = (rows.expert_ids * rows.expert_weights).sum(1, keepdim=True)
        return rows.x * self.factor + routing


def feed_forwards(instance):
    return [Scaling(layer, instance) for layer in range(LAYERS)]


def rows_of(count, seed=0, top_k=TOP_K):
    generator = torch.Generator().manual_seed(seed)
    return FeedForwardInput(
        torch.randn(count, HIDDEN, generator=generator),
        torch.randint(0, 48, (count, top_k), generator=generator),
        torch.rand(count, top_k, generator=generator),
    )


def expected(rows, layer, num_ffn):
    return sum(Scaling(layer, instance)(rows) for instance in range(num_ffn))


class Server:
    """An FFN instance in a thread; over TCP without a wiring."""

    def __init__(self, link_options, index, port=0, wiring=None):
        where = {"index": index, "host": "127.0.0.1", "port": port}
        if wiring is None:
            self.end = TcpFeedForwardEnd(link_options, **where)
        else:
            self.end = PairedFeedForwardEnd(link_options, wiring, **where)
        self.worker = FfnWorker(feed_forwards(index), self.end)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            self.worker.step(0.02)
        self.end.close()

    def stop(self):
        self.stopping.set()
        self.thread.join()


def attention_end(link_options, index, servers, wiring=None, **settings):
    settings = {"on_ffn_loss": "wait", "recovery_timeout_seconds": 10.0, **settings}
    settings |= {"index": index, "num_ffn": len(servers)}
    if wiring is None:
        end = TcpAttentionEnd(link_options, **settings)
    else:
        end = PairedAttentionEnd(link_options, wiring, **settings)
    for number, server in enumerate(servers):
        end.set_address(number, Address(*server.end.address, 1))
    return end


@contextmanager
def in_process(num_attention, num_ffn, wire) -> Iterator[list]:
    network = InProcessNetwork(num_attention, num_ffn, make_codec(wire, is_exact=False))
    workers = [
        FfnWorker(feed_forwards(index), end) for index, end in enumerate(network.feed_forward_ends)
    ]
    yield [network.attention_end(index, workers) for index in range(num_attention)]


@contextmanager
def connected(num_attention, num_ffn, wire, wiring=None) -> Iterator[list]:
    """Over a network, or what does as one."""
    servers = [Server(options(wire), index, wiring=wiring) for index in range(num_ffn)]
    ends = [attention_end(options(wire), i, servers, wiring) for i in range(num_attention)]
    try:
        yield ends
    finally:
        for end in ends:
            end.close()
        for server in servers:
            server.stop()


GLOO = CollectiveWiring("gloo", torch.device("cpu"))
LINKS = {
    "in_process": in_process,
    "tcp": connected,
    "gloo": partial(connected, wiring=GLOO),
    "peer, all but the GPU": partial(connected, wiring=HOST_PEER),
}


class GreetsLast:
    """A socket that wakes an end up; somebody is greeted just before it is closed."""

    def __init__(self, wake: socket.socket, greet: Callable[[], None]) -> None:
        self._wake, self._greet = wake, greet
        self.send, self.shutdown = wake.send, wake.shutdown

    def close(self) -> None:
        self._greet()
        self._wake.close()
