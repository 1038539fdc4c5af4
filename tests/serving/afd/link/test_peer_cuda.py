"""Two processes that write into each other's GPU memory; one GPU is enough."""

import signal
import socket
import time
from dataclasses import replace

import pytest
import torch

from regard.serving.afd.codec import Shape
from regard.serving.afd.handshake import answer
from regard.serving.afd.link.contract import Key, StepLostError
from regard.serving.afd.link.pair import Message, hello
from regard.serving.afd.link.peer import PeerWiring
from regard.serving.engine import Engine
from tests.serving.afd.link import networks
from tests.serving.afd.link.networks import HIDDEN, LAYERS, TOP_K, expected, rows_of
from tests.serving.afd.link.processes import ServerProcess, gpu_end, on, server_process
from tests.serving.afd.services import CONFIG, answers, kill, running, until
from tests.serving.afd.topologies import greedy

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
GPU = torch.device("cuda", 0)
ROWS, REPLAYS = 5, 20
TOLERANCES = {"float32": 1e-5, "fp8": 0.04}


def close_to(got, want, wire):
    return ((got.cpu() - want).norm() / want.norm()).item() < TOLERANCES[wire]


def round_trip(end, step, wire="float32", num_ffn=1):
    rows = rows_of(ROWS, seed=step)
    end.send(Key(step, 0, 0), on(GPU, rows))
    got = end.receive(Key(step, 0, 0))
    end.settle()
    assert close_to(got, expected(rows, 0, num_ffn), wire)


@pytest.mark.parametrize("wire", TOLERANCES)
def test_a_graph_holds_the_sending_and_receiving_of_a_whole_step(wire):
    end = gpu_end("peer", wire, 0, [server_process("peer", wire, 0)])
    round_trip(end, 1, wire)
    batches = [on(GPU, rows_of(rows, seed=rows)) for rows in (ROWS, 64)]

    def take_step():
        results = []
        for layer in range(LAYERS):
            for microbatch, rows in enumerate(batches):
                end.send(Key(2, layer, microbatch), rows)
            for microbatch in range(len(batches)):
                results.append(end.receive(Key(2, layer, microbatch)).clone())
        return results

    take_step()
    end.settle()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = take_step()
    for replay in range(REPLAYS):
        new = [rows_of(rows.x.shape[0], seed=replay) for rows in batches]
        for static, rows in zip(batches, new, strict=True):
            for old, value in zip(static, rows, strict=True):
                old.copy_(value)
        for result in results:
            result.fill_(torch.nan)
        graph.replay()
        end.settle()
        for number, result in enumerate(results):
            layer, microbatch = divmod(number, len(batches))
            assert close_to(result, expected(new[microbatch], layer, 1), wire)
    end.close()


def run_graph(pipe, kind, wire, index, gpu):
    """An FFN instance that knows the order of its work, and replays it without looking."""
    options = networks.options(wire)
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname())
    connection, _ = listener.accept()
    wiring = PeerWiring(GPU)
    answer(connection, options.token, {**hello(wiring, options), "ffn": index})
    pair = wiring.feed_forward_pair(connection, options)
    shape = Shape(ROWS, HIDDEN, TOP_K)

    def serve():
        payload = pair.wait(0, options.codec.rows_nbytes(shape))
        result = networks.Scaling(0, index)(options.codec.decode_rows(payload, shape))
        buffer = pair.result_buffer(0)[: options.codec.result_nbytes(shape)]
        options.codec.encode_result(result, buffer)
        pair.send(Message(Key(1, 0, 0), shape, buffer))
        pair.join(0)

    with torch.inference_mode():
        serve()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            serve()
        for _ in range(REPLAYS):
            graph.replay()
        torch.cuda.synchronize()
    pipe.send("done")
    pipe.recv()


def test_a_graph_holds_the_work_of_an_ffn_instance():
    server = ServerProcess("peer", "float32", 0, run=run_graph)
    end = gpu_end("peer", "float32", 0, [server])
    for step in range(1 + REPLAYS):
        round_trip(end, step)
    assert server.pipe.poll(30)
    end.close()
    server.kill()


def test_the_host_waits_for_nothing_and_a_killed_instance_loses_the_step():
    server = ServerProcess("peer", "float32", 0)
    lost = []
    end = gpu_end("peer", "float32", 0, [server], on_lost=lambda ffn, reason: lost.append(ffn))
    round_trip(end, 1)
    server.signal(signal.SIGSTOP)
    rows = on(GPU, rows_of(ROWS))
    started = time.monotonic()
    end.send(Key(2, 0, 0), rows)
    end.receive(Key(2, 0, 0))
    assert time.monotonic() - started < 1
    assert not torch.cuda.current_stream().query()
    started = time.monotonic()
    server.kill()
    with pytest.raises(StepLostError, match="FFN instance 0 is gone"):
        end.settle()
    assert time.monotonic() - started < 2
    assert lost == [0]
    end.set_address(0, server_process("peer", "float32", 0).address)
    for step in (3, 4):
        round_trip(end, step)
    end.close()


async def test_a_service_on_one_gpu_gives_the_tokens_of_one_piece_whoever_is_killed():
    config = replace(CONFIG, device="cuda")
    prompts = [[10, 20, 30], list(range(40, 100)), [7], [250, 3, 9, 11, 200]]
    want = greedy([Engine(config)], prompts, max_tokens=64)
    async with running("2A1F", config, afd_link="peer") as engine:
        assert await answers(engine, prompts, max_tokens=64) == want
        for place in ("ffn0", "attention0"):
            kill(engine, place)
            assert await answers(engine, prompts, max_tokens=64) == want
            await until(lambda: all(p.is_ready for p in engine.coordinator.places.values()))
        assert engine.stats().step_failures == 0
