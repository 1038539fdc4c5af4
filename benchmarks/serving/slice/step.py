"""One step of all layers and micro-batches over both GPUs, as one CUDA graph."""

from collections.abc import Callable

import torch

from benchmarks.serving.slice import schedule
from benchmarks.serving.slice.attention_gpu import AttentionGpu
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.ffn_gpu import FfnGpu
from benchmarks.serving.slice.schedule import Turn
from benchmarks.serving.slice.wire import Wire, connect

Watcher = Callable[[str, int, int], None]
"""Told what was just issued: its name, the layer, the micro-batch."""


def _ignore(name: str, layer: int, index: int) -> None:
    """A watcher that does nothing."""


def kinds(config: SliceConfig) -> tuple[type[AttentionGpu], type[FfnGpu]]:
    """Of the two GPUs: with kernels of this project, or with ready-made ones."""
    if not config.baseline:
        return AttentionGpu, FfnGpu
    from benchmarks.serving.slice.baseline import BaselineAttentionGpu, BaselineFfnGpu

    return BaselineAttentionGpu, BaselineFfnGpu


class SliceStep:
    """The two GPUs, the wires between them, and the step."""

    def __init__(
        self, config: SliceConfig, attention_device: torch.device, ffn_device: torch.device
    ) -> None:
        """Draws everything; needs some 80 GB on one device and 25 GB on the other."""
        self.config = config
        connect(attention_device, ffn_device)
        attention, ffn = kinds(config)
        self.attention = attention(config, attention_device)
        self.ffn = ffn(config, ffn_device)
        transfers = config.num_layers * config.num_microbatches
        speed, latency = config.wire_bytes_per_second, config.wire_latency_seconds
        gather, sums = config.in_server_seconds
        self.out_wire = Wire(attention_device, speed, latency + gather, transfers)
        self.back_wire = Wire(ffn_device, speed, latency + sums, transfers)
        with torch.cuda.device(attention_device):
            self._attention_stream = torch.cuda.Stream()
        with torch.cuda.device(ffn_device):
            self._ffn_stream = torch.cuda.Stream()
            self._intake_stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._kept: list[object] = []
        self.num_steps = 0
        # A micro-batch that is alone cannot be filled while it is worked on.
        self._fills = not config.baseline and config.num_microbatches > 1
        # Streams of their own do not wait for what drew and cleared all this on the default ones.
        self.synchronize()

    def run(self) -> None:
        """One step: sequences grow by one, then all layers of all micro-batches."""
        self._upload()
        with torch.cuda.stream(self._attention_stream):
            if self._graph is None:
                self.issue()
            else:
                self._graph.replay()
        self.num_steps += 1

    def run_eagerly(self, watch: Watcher) -> None:
        """The same without a graph, telling what is issued."""
        self._upload()
        with torch.cuda.stream(self._attention_stream):
            self.issue(watch)
        self.num_steps += 1

    def _upload(self) -> None:
        """Plans the step on the host while the GPUs still work on the one before."""
        pairs = []
        for each in self.attention.microbatches:
            each.sequences.advance()
            pairs += each.sequences.prepare()
        step = torch.tensor([self.num_steps + 1]).pin_memory()
        with torch.cuda.stream(self._attention_stream):
            for target, source in pairs:
                target.copy_(source, non_blocking=True)
        # On a stream of the other GPU, between the step before and this one.
        self._ffn_stream.wait_stream(self._attention_stream)
        with torch.cuda.device(self.ffn.device), torch.cuda.stream(self._ffn_stream):
            self.ffn.step.copy_(step, non_blocking=True)
        self._attention_stream.wait_stream(self._ffn_stream)
        # Pinned memory is used again once the copies are done: the allocator sees to that.

    def capture(self) -> None:
        """Records the step; run it once before, so that every kernel is compiled and loaded."""
        self.synchronize()
        graph = torch.cuda.CUDAGraph()
        with (
            torch.cuda.device(self.attention.device),
            torch.cuda.graph(graph, stream=self._attention_stream, capture_error_mode="relaxed"),
        ):
            self.issue()
        self._graph = graph

    def issue(self, watch: Watcher = _ignore) -> None:
        """Issues the step on the streams of both devices."""
        turns = schedule.in_order(self.config.num_layers, self.config.num_microbatches)
        seen = self._issue(turns, watch)
        with torch.cuda.device(self.attention.device), torch.cuda.stream(self._attention_stream):
            for indices in schedule.heads(self.config.num_microbatches):
                for index in indices:
                    self._wait(self._attention_stream, seen[index])
                self.attention.finish(indices)
                watch("head", self.config.num_layers, indices.start)
        self._join()

    def _issue(self, turns: list[Turn], watch: Watcher) -> list[torch.cuda.Event | None]:
        """Issues turns in their order; returns when each micro-batch has what came back last."""
        count, attention, ffn = self.config.num_microbatches, self.attention, self.ffn
        main, back, intake = self._attention_stream, self._ffn_stream, self._intake_stream
        back.wait_stream(main)
        intake.wait_stream(main)
        seen: list[torch.cuda.Event | None] = [None] * count
        filled: list[torch.cuda.Event | None] = [None] * count
        for turn in turns[:count]:
            filled[turn.index] = self._synthesise(turn)
        before: Turn | None = None
        following = schedule.following(turns)
        for number, (turn, after) in enumerate(zip(turns, following, strict=True)):
            layer, index = turn.layer, turn.index
            with torch.cuda.device(attention.device), torch.cuda.stream(main):
                self._wait(main, seen[index])
                if layer == 0:
                    attention.begin(index)
                attention.attend(layer, index)
                watch("attention", layer, index)
                arrived = self._send_out(number, index)
            with torch.cuda.device(ffn.device):
                with torch.cuda.stream(intake):
                    self._wait(intake, filled[index])
                    self._wait(intake, arrived)
                    ffn.take_in(layer, index)
                with torch.cuda.stream(back):
                    back.wait_stream(intake)
                    # Meanwhile the inbox of the turn before, another micro-batch's, is filled.
                    ffn.compute(layer, index, before)
                    watch("ffn", layer, index)
                    seen[index] = self._send_back(number, index)
                if before:
                    filled[before.index] = self._ffn_stream.record_event()
                if after and not self._fills:
                    filled[index] = self._synthesise(after)
                before = after if self._fills else None
        self._kept += [seen, filled]
        return seen

    def _join(self) -> None:
        """Lets the attention GPU's stream wait for all that was issued."""
        with torch.cuda.device(self.attention.device), torch.cuda.stream(self._attention_stream):
            self.out_wire.join()
            self._attention_stream.wait_stream(self._ffn_stream)
            self._attention_stream.wait_stream(self._intake_stream)

    def _synthesise(self, turn: Turn) -> torch.cuda.Event:
        """Fills an inbox for its next layer, as soon as the one before is done with it."""
        with torch.cuda.device(self.ffn.device), torch.cuda.stream(self._ffn_stream):
            self.ffn.synthesise(turn.layer, turn.index)
            filled = torch.cuda.Event()
            filled.record(self._ffn_stream)
        return filled

    @staticmethod
    def _wait(stream: torch.cuda.Stream, event: torch.cuda.Event | None) -> None:
        if event is not None:
            stream.wait_event(event)

    def _send_out(self, number: int, index: int) -> torch.cuda.Event:
        message = self.attention.microbatches[index].message
        inbox = self.ffn.inboxes[index]
        pairs = [
            (inbox.arrived.buffer, message.buffer),
            (inbox.copy.buffer, message.buffer),
        ]
        return self.out_wire.send(number, pairs, message.wire_bytes)

    def _send_back(self, number: int, index: int) -> torch.cuda.Event:
        result = self.ffn.inboxes[index].result
        received = self.attention.microbatches[index].received
        pairs = [(received.view(-1, received.shape[-1]), result)]
        return self.back_wire.send(number, pairs, result.numel() * result.element_size())

    def synchronize(self) -> None:
        """Waits for both devices."""
        torch.cuda.synchronize(self.attention.device)
        torch.cuda.synchronize(self.ffn.device)

    def check_capacity(self) -> None:
        """Raises if an expert ever had more tokens than there is room for."""
        most = int(self.ffn.most.item())
        if most > self.config.capacity:
            raise RuntimeError(f"an expert had {most} tokens; capacity {self.config.capacity}")
