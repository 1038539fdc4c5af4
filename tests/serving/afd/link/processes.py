"""FFN instances on GPUs in processes of their own, and attention ends that reach them."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import pytest
import torch

from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.link.choice import wiring_of
from regard.serving.afd.link.contract import StepLostError
from regard.serving.afd.link.paired_attention import PairedAttentionEnd
from regard.serving.afd.link.paired_ffn import PairedFeedForwardEnd
from regard.serving.afd.link.tcp_attention import Address
from regard.serving.models.feed_forward import FeedForwardInput
from tests.serving.afd.link import networks


def on(device, rows: FeedForwardInput) -> FeedForwardInput:
    return FeedForwardInput(*(tensor.to(device) for tensor in rows))


class ServerProcess:
    """An FFN instance; it ends with this process."""

    def __init__(self, kind, wire, index, gpu=0, run=None):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, kind, wire, index, gpu)
        self.process = context.Process(target=run or _run, args=arguments, daemon=True)
        self.process.start()
        assert self.pipe.poll(60), "the FFN process did not start"
        self.address = Address(*self.pipe.recv(), 1)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.join()


def _run(pipe, kind, wire, index, gpu):
    device = torch.device("cuda", gpu)
    torch.cuda.set_device(device)
    options = networks.options(wire)
    end = PairedFeedForwardEnd(options, wiring_of(kind, device), index=index, host="127.0.0.1")
    worker = FfnWorker(networks.feed_forwards(index), end)
    pipe.send(end.address)
    while not pipe.poll():
        worker.step(0.1)


server_process = cache(ServerProcess)
"""Made once, for all tests: each takes seconds to start."""


def gpu_end(kind, wire, index, servers, gpu=0, **settings) -> PairedAttentionEnd:
    settings = {"on_ffn_loss": "wait", "recovery_timeout_seconds": 30.0, **settings}
    wiring = wiring_of(kind, torch.device("cuda", gpu))
    options = networks.options(wire)
    end = PairedAttentionEnd(options, wiring, index=index, num_ffn=len(servers), **settings)
    for number, server in enumerate(servers):
        end.set_address(number, server.address)
    return end


class FromHost:
    """An end on a GPU, for rows of the CPU."""

    def __init__(self, end, gpu):
        self.end, self.device = end, torch.device("cuda", gpu)

    def send(self, key, rows):
        with torch.cuda.device(self.device):
            self.end.send(key, on(self.device, rows))

    def receive(self, key):
        with torch.cuda.device(self.device):
            result = self.end.receive(key)
            self.end.settle()
            return result.cpu()

    def close(self):
        with torch.cuda.device(self.device), suppress(StepLostError):
            self.end.close()


@contextmanager
def connected_gpus(num_attention, num_ffn, wire, kind) -> Iterator[list]:
    """All on one GPU over `peer`; each on its own over `nccl`."""
    gpus = list(range(num_attention + num_ffn)) if kind == "nccl" else [0] * 9
    if kind == "nccl" and len(gpus) > torch.cuda.device_count():
        pytest.skip(f"{len(gpus)} instances, {torch.cuda.device_count()} GPUs")
    servers = [server_process(kind, wire, i, gpus[num_attention + i]) for i in range(num_ffn)]
    ends = [
        FromHost(gpu_end(kind, wire, i, servers, gpus[i]), gpus[i]) for i in range(num_attention)
    ]
    try:
        yield ends
    finally:
        for end in ends:
            end.close()
