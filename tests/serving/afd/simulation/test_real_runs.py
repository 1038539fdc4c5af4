"""What the simulator foretells of real pipelines over TCP whose stages sleep."""

import statistics
import sys
import threading
import time
from dataclasses import replace

import pytest
import torch

from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.idleness import steps_of
from regard.serving.afd.link.tcp_attention import Address, TcpAttentionEnd
from regard.serving.afd.link.tcp_ffn import TcpFeedForwardEnd
from regard.serving.afd.pipeline import PipelinedDecoder
from regard.serving.afd.simulation.fit import config_from_trace
from regard.serving.afd.simulation.prediction import predict
from regard.serving.afd.trace import Recorder
from regard.serving.afd.trace_file import Trace, TraceInfo
from regard.serving.models.decoder import AttentionSide, Trunk
from regard.serving.models.feed_forward import FeedForwardInput
from tests.serving.afd.link.networks import options
from tests.serving.afd.test_pipeline import batch_of
from tests.serving.afd.topologies import tiny_loaded
from tests.serving.tiny import LLAMA

NUM_ROWS, NUM_LAYERS, NUM_STEPS = 24, 5, 9
# Long stages: other work on this machine delays who wakes up.
ATTENTION_SECONDS_A_ROW, FFN_SECONDS, FFN_SECONDS_A_ROW = 0.8e-3, 4e-3, 2e-3
DELAY_SECONDS = 20e-3


def attend(rows, cache, batch):
    time.sleep(ATTENTION_SECONDS_A_ROW * rows.shape[0])
    return rows


def route(rows):
    nothing = torch.zeros(rows.shape[0], 0)
    return FeedForwardInput(rows, nothing.int(), nothing)


def feed_forward(rows):
    time.sleep(FFN_SECONDS + FFN_SECONDS_A_ROW * rows.x.shape[0])
    return rows.x


def run(num_microbatches: int, delay_seconds: float) -> Trace:
    """Steps of one attention and one FFN instance, each a thread."""
    of_attention, of_ffn = Recorder("attention0"), Recorder("ffn0")
    link = options(hidden=LLAMA.hidden_size, delay_seconds=delay_seconds)
    ffn_end = TcpFeedForwardEnd(link, index=0, host="127.0.0.1", recorder=of_ffn)
    worker = FfnWorker([feed_forward] * NUM_LAYERS, ffn_end, of_ffn)
    stopping = threading.Event()

    def work():
        while not stopping.is_set():
            worker.step(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    attention_end = TcpAttentionEnd(
        link,
        index=0,
        num_ffn=1,
        on_ffn_loss="fail",
        recovery_timeout_seconds=5,
        recorder=of_attention,
    )
    attention_end.set_address(0, Address(*ffn_end.address, 1))
    loaded, tensors = tiny_loaded(LLAMA)
    decoder = PipelinedDecoder(
        Trunk(LLAMA, tensors, loaded.numerics),
        [AttentionSide(attend, route)] * NUM_LAYERS,
        attention_end,
        num_microbatches=num_microbatches,
        recorder=of_attention,
    )
    with torch.inference_mode():
        for _ in range(NUM_STEPS):
            decoder.forward(batch_of(NUM_ROWS, {NUM_ROWS - 1}), [None] * NUM_LAYERS)
    attention_end.close()
    stopping.set()
    thread.join()
    ffn_end.close()
    info = TraceInfo(
        source="run",
        num_attention=1,
        num_ffn=1,
        num_layers=NUM_LAYERS,
        num_microbatches=num_microbatches,
    )
    return Trace(info, [*of_attention.spans(), *of_ffn.spans()])


@pytest.fixture
def quick_switching():
    """Threads in the place of processes: none shall wait long for the interpreter."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_switching")
@pytest.mark.parametrize("num_microbatches", [1, 2, 3])
def test_a_run_without_delay_foretells_runs_with_and_without(num_microbatches):
    config = config_from_trace(run(num_microbatches, 0.0))
    for delay_seconds in (0.0, DELAY_SECONDS):
        delay_us = delay_seconds * 1e6
        predicted = predict(
            replace(
                config,
                link_out=replace(config.link_out, constant_us=delay_us),
                link_back=replace(config.link_back, constant_us=delay_us),
                num_steps=50,
            )
        )
        steps = steps_of(run(num_microbatches, delay_seconds).spans)
        measured_ms = statistics.median(step.end_ns - step.start_ns for step in steps) / 1e6
        assert predicted.step_ms == pytest.approx(measured_ms, rel=0.1)
