"""One step of all layers and micro-batches over all GPUs.

Layers outside, micro-batches inside, on every GPU in the same order. An attention GPU sends a
micro-batch's message to every FFN GPU; each FFN GPU waits for the messages of all attention GPUs,
computes its share for all tokens and sends each attention GPU the sums of its own tokens; an
attention GPU adds what all FFN GPUs sent before the next layer.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from benchmarks.serving.full.attention_side import AttentionOperators
from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.ffn_side import FfnOperators
from benchmarks.serving.full.machine import Machine, Queue


class Watcher(Protocol):
    """Told what was just queued."""

    def __call__(self, queue: Queue, name: str, layer: int, microbatch: int, peer: int = 0) -> None:
        """Called at each beginning and end.

        Args:
            queue: Where; what the watcher queues there comes right behind.
            name: `attention`, `ffn` or `head` and `+` or `-` for its beginning or end; `out` or
                `back` for the end of a transfer.
            layer: Its position.
            microbatch: Its number.
            peer: Of a transfer, the GPU of the other side that receives it.
        """


def watch_nothing(queue: Queue, name: str, layer: int, microbatch: int, peer: int = 0) -> None:
    """The watcher of a step that is timed."""


class FullStep:
    """All GPUs, the queues between them, and the step."""

    def __init__(
        self,
        config: FullConfig,
        machine: Machine,
        attention: Sequence[AttentionOperators],
        ffn: Sequence[FfnOperators],
    ) -> None:
        """Makes the queues."""
        self.config, self.machine = config, machine
        self.attention, self.ffn = attention, ffn

        def queues(one: torch.device, count: int) -> list[Queue]:
            return [machine.queue(one) for _ in range(count)]

        devices = [each.side.device for each in attention]
        self.main = [machine.queue(device) for device in devices]
        self.queues_out = [queues(device, len(ffn)) for device in devices]
        devices = [each.side.device for each in ffn]
        self.queues_intake = [machine.queue(device) for device in devices]
        self.queues_ffn = [machine.queue(device) for device in devices]
        self.queues_back = [queues(device, len(attention)) for device in devices]
        self._plans: list[list[list[tuple[Tensor, Tensor]]]] = []
        self._replay: Any = None
        self._kept: list[Any] = []
        self.num_steps = 0
        # What was drawn and allocated is there before any queue begins.
        machine.synchronize()

    @property
    def _others(self) -> list[Queue]:
        pairs = [queue for row in (*self.queues_out, *self.queues_back) for queue in row]
        return [*self.main[1:], *self.queues_intake, *self.queues_ffn, *pairs]

    def plan(self, num_steps: int) -> None:
        """Lengths, pages and tile maps of so many steps more, which takes the host some time.

        In a deployment each attention GPU's own host plans; here one process would plan for all.
        """
        for _ in range(num_steps):
            self._plans.append([])
            for each in self.attention:
                pairs = []
                for chunk in each.side.chunks:
                    chunk.sequences.advance()
                    pairs += chunk.sequences.plan()
                self._plans[-1].append(pairs)

    def capture(self) -> None:
        """Records the step; do one before, so that every kernel is compiled and loaded."""
        self._replay = self.machine.captured(self.main[0], self.issue)

    def run(self) -> None:
        """Queues one step."""
        self.upload()
        (self._replay or self.issue)()

    def upload(self) -> None:
        """Queues what the next step needs to know; it was planned before, or is planned now."""
        if not self._plans:
            self.plan(1)
        done = self.main[0].record()
        for queue, pairs in zip(self.main, self._plans.pop(0), strict=True):
            queue.wait(done)
            queue.upload(pairs)
            self.main[0].wait(queue.record())
        self.num_steps += 1

    def issue(self, watch: Watcher = watch_nothing) -> None:
        """Queues a step: all other queues begin after the first one, and it ends after them."""
        config, start = self.config, self.main[0].record()
        for queue in self._others:
            queue.wait(start)
        self._kept = [start]
        back: list[list[list[Any]]] = [[] for _ in range(config.num_microbatches)]
        for layer in range(config.num_layers):
            for microbatch in range(config.num_microbatches):
                sent = [
                    self._attend(layer, microbatch, index, back[microbatch], watch)
                    for index in range(config.num_attention)
                ]
                back[microbatch] = [
                    self._feed_forward(layer, microbatch, index, sent, watch)
                    for index in range(config.num_ffn)
                ]
                self._kept += [sent, back[microbatch]]
        for microbatch in range(config.num_microbatches):
            for index in range(config.num_attention):
                self._finish(microbatch, index, back[microbatch], watch)
        for queue in self._others:
            self.main[0].wait(queue.record())

    def _attend(
        self, layer: int, microbatch: int, index: int, back: list[list[Any]], watch: Watcher
    ) -> list[Any]:
        """One attention GPU; returns when its message is at each FFN GPU."""
        queue, operators = self.main[index], self.attention[index]
        for results in back:
            queue.wait(results[index])
        watch(queue, "attention+", layer, microbatch)
        if layer == 0:
            queue.run(partial(operators.side.begin, microbatch))
        queue.run(partial(operators.attend, layer, microbatch))
        watch(queue, "attention-", layer, microbatch)
        ready, message = queue.record(), operators.side.outboxes[microbatch]
        self._kept.append(ready)
        sent = []
        for peer, out in enumerate(self.queues_out[index]):
            inbox = self.ffn[peer].side.inboxes[microbatch]
            out.wait(ready)
            out.copy([(inbox.buffers[index], message)])
            watch(out, "out", layer, microbatch, peer)
            sent.append(out.record())
        return sent

    def _feed_forward(
        self, layer: int, microbatch: int, index: int, sent: list[list[Any]], watch: Watcher
    ) -> list[Any]:
        """One FFN GPU; returns when its results are at each attention GPU."""
        intake, queue, operators = (
            self.queues_intake[index],
            self.queues_ffn[index],
            self.ffn[index],
        )
        for messages in sent:
            intake.wait(messages[index])
        intake.run(partial(operators.take_in, layer, microbatch))
        taken = intake.record()
        queue.wait(taken)
        watch(queue, "ffn+", layer, microbatch)
        queue.run(partial(operators.compute, layer, microbatch))
        watch(queue, "ffn-", layer, microbatch)
        ready = queue.record()
        self._kept += [taken, ready]
        returned = []
        for peer, back in enumerate(self.queues_back[index]):
            targets = self.attention[peer].side.received_from(index, microbatch)
            sources = operators.side.results_for(peer, microbatch)
            back.wait(ready)
            back.copy(list(zip(targets, sources, strict=True)))
            watch(back, "back", layer, microbatch, peer)
            returned.append(back.record())
        return returned

    def _finish(self, microbatch: int, index: int, back: list[list[Any]], watch: Watcher) -> None:
        queue, layers = self.main[index], self.config.num_layers
        for results in back:
            queue.wait(results[index])
        watch(queue, "head+", layers, microbatch)
        queue.run(partial(self.attention[index].finish, microbatch))
        watch(queue, "head-", layers, microbatch)

    def tokens(self) -> Tensor:
        """What the last step sampled, (parts, rows), in the order of the parts' numbers."""
        self.machine.synchronize()
        chunks = [chunk for each in self.attention for chunk in each.side.chunks]
        ordered = sorted(chunks, key=lambda chunk: chunk.number)
        return torch.stack([chunk.tokens.cpu() for chunk in ordered])
