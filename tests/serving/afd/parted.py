"""Real models parted into instances of this process, over a link of the caller's choice."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, cached_property

from regard.serving.afd.assignment import Assignment
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.link.in_process import InProcessNetwork
from regard.serving.afd.link.tcp_attention import Address, TcpAttentionEnd
from regard.serving.afd.link.tcp_ffn import TcpFeedForwardEnd
from regard.serving.afd.pipeline import PipelinedDecoder
from regard.serving.afd.topology import parse_topology
from regard.serving.config import EngineConfig
from regard.serving.models.build import build_attention, build_feed_forwards
from regard.serving.models.decoder import Trunk
from regard.serving.models.loader import LoadedModel, load

LINKS = ("in_process", "tcp")
POLL_SECONDS = 0.02


class PartedModel:
    """A model in one piece, and its parts; each part is built once."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self._shards = cache(self._build_shards)

    @cached_property
    def whole(self) -> LoadedModel:
        return load(self.config)

    @contextmanager
    def instances(
        self, afd: str, link: str, *, num_microbatches: int, wire: str = "auto"
    ) -> Iterator[list[LoadedModel]]:
        """One model for each attention instance; their feed-forwards run behind the link."""
        layout = AfdConfig(afd=afd, microbatches=num_microbatches, afd_wire=wire)
        plan = Assignment("attention", 0, self.config, layout, "secret", may_spin=False)
        plan.__dict__["opened"] = self._plan.opened  # read once for all layouts
        shards = self._shards(plan.topology.num_ffn)
        with ExitStack() as stack:
            connect = _in_process if link == "in_process" else _tcp
            ends = stack.enter_context(connect(plan, shards))
            trunk, sides = self._attention
            yield [
                replace(
                    self.whole,
                    model=PipelinedDecoder(trunk, sides, end, num_microbatches=num_microbatches),
                )
                for end in ends
            ]

    @cached_property
    def _plan(self) -> Assignment:
        layout = AfdConfig(afd="1A1F")
        return Assignment("attention", 0, self.config, layout, "secret", may_spin=False)

    @cached_property
    def _attention(self) -> tuple:
        parts = (self._plan.opened.config, self._plan.opened.tensors, self._plan.numerics)
        return Trunk(*parts), build_attention(*parts)

    def _build_shards(self, num_ffn: int) -> list:
        opened, numerics = self._plan.opened, self._plan.numerics
        topology = parse_topology(f"1A{num_ffn}F", opened.config)
        return [
            build_feed_forwards(opened.config, opened.tensors, numerics, shard)
            for shard in topology.shards
        ]


@contextmanager
def _in_process(plan: Assignment, shards: list) -> Iterator[list]:
    network = InProcessNetwork(plan.topology.num_attention, len(shards), plan.link_options.codec)
    workers = [
        FfnWorker(shard, end) for shard, end in zip(shards, network.feed_forward_ends, strict=True)
    ]
    yield [network.attention_end(i, workers) for i in range(plan.topology.num_attention)]


@contextmanager
def _tcp(plan: Assignment, shards: list) -> Iterator[list]:
    """Real sockets; each FFN instance is a thread."""
    links = [
        TcpFeedForwardEnd(plan.link_options, index=index, host="127.0.0.1")
        for index in range(len(shards))
    ]
    stopping = threading.Event()

    def work(worker: FfnWorker) -> None:
        while not stopping.is_set():
            worker.step(POLL_SECONDS)

    workers = [FfnWorker(shard, link) for shard, link in zip(shards, links, strict=True)]
    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    ends = []
    for thread in threads:
        thread.start()
    try:
        for index in range(plan.topology.num_attention):
            end = TcpAttentionEnd(
                plan.link_options,
                index=index,
                num_ffn=len(links),
                on_ffn_loss="fail",
                recovery_timeout_seconds=10.0,
            )
            ends.append(end)
            for number, link in enumerate(links):
                end.set_address(number, Address(*link.address, 1))
        yield ends
    finally:
        for end in ends:
            end.close()
        stopping.set()
        for thread in threads:
            thread.join()
        for link in links:
            link.close()
