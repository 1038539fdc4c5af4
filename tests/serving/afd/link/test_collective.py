import socket
import struct
import threading

import pytest
import torch

from regard.serving.afd.codec import Shape
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.frames import HEADER, FrameError
from regard.serving.afd.link.pair import Message
from tests.serving.afd.link.networks import GLOO, HIDDEN, MAX_ROWS, MICROBATCHES, TOP_K, options


@pytest.fixture
def connections():
    listener = socket.create_server(("127.0.0.1", 0))
    here = socket.create_connection(listener.getsockname())
    there, _ = listener.accept()
    listener.close()
    yield here, there
    here.close()
    there.close()


@pytest.fixture
def pairs(connections):
    here, there = connections
    made = []
    thread = threading.Thread(target=lambda: made.append(GLOO.feed_forward_pair(there, options())))
    thread.start()
    attention = GLOO.attention_pair(here, options())
    thread.join()
    return attention, made[0]


def message(microbatch, rows, value):
    shape = Shape(rows, HIDDEN, TOP_K)
    nbytes = options().codec.rows_nbytes(shape)
    return Message(Key(7, 2, microbatch), shape, torch.full((nbytes,), value, dtype=torch.uint8))


def arrived(pair, count):
    got = []
    while len(got) < count:
        got += pair.arrived()
    return got


def test_messages_keep_their_keys_shapes_and_bytes(pairs):
    attention, ffn = pairs
    sent = [message(0, 3, 1), message(1, MAX_ROWS, 2), message(2, 1, 3)]
    for each in sent:
        attention.send(each)
    for want, got in zip(sent, arrived(ffn, 3), strict=True):
        assert (got.key, got.shape) == (want.key, want.shape)
        assert torch.equal(got.payload, want.payload)


def test_results_may_be_asked_for_in_another_order_than_they_come(pairs):
    attention, ffn = pairs
    shapes = [Shape(rows, HIDDEN, 0) for rows in (4, 9)]
    for microbatch, shape in enumerate(shapes):
        payload = ffn.result_buffer(microbatch)[: options().codec.result_nbytes(shape)]
        payload.fill_(microbatch + 5)
        ffn.send(Message(Key(1, 0, microbatch), shape, payload))
    for microbatch in (1, 0):
        got = attention.receive(Key(1, 0, microbatch), shapes[microbatch])
        assert len(got) == options().codec.result_nbytes(shapes[microbatch])
        assert torch.all(got == microbatch + 5)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ((1, 0, MICROBATCHES, TOP_K, 4, 0), f"micro-batch {MICROBATCHES}"),
        ((1, 0, 0, TOP_K, MAX_ROWS + 1, 0), f"{MAX_ROWS + 1} rows"),
        ((1, 0, 0, TOP_K, 0, 0), "0 rows"),
        ((1, 0, 0, TOP_K + 1, 4, 0), f"{TOP_K + 1} experts"),
    ],
)
def test_an_impossible_header_is_refused(pairs, connections, header, problem):
    connections[0].sendall(HEADER.pack(*header))
    with pytest.raises(FrameError, match=problem):
        arrived(pairs[1], 1)


def test_half_a_header_waits_for_its_other_half(pairs, connections):
    attention, ffn = pairs
    whole = HEADER.pack(7, 2, 0, TOP_K, 3, 0)
    connections[0].sendall(whole[:5])
    assert ffn.arrived() == []
    want = message(0, 3, 9)
    connections[0].sendall(whole[5:])
    sending = attention._outward.send([want.payload], 1, 0)
    assert torch.equal(arrived(ffn, 1)[0].payload, want.payload)
    assert sending.wait()


def test_the_other_side_s_end_is_a_connection_error(pairs, connections):
    attention, ffn = pairs
    connections[1].close()
    with pytest.raises(ConnectionError):
        attention.receive(Key(1, 0, 0), Shape(4, HIDDEN, 0))


def test_a_caller_that_is_named_no_store_gives_up(connections):
    here, there = connections
    there.sendall(struct.pack("<I", 2) + b"{}")
    with pytest.raises(ConnectionError, match="no store"):
        GLOO.attention_pair(here, options())
