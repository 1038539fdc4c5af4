import os
import socket
import threading

import pytest
import torch

from regard.serving.afd.codec import Shape
from regard.serving.afd.handshake import HandshakeError
from regard.serving.afd.link import peer
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.cuda_copier import CudaError
from regard.serving.afd.link.frames import FrameError
from regard.serving.afd.link.pair import Message
from regard.serving.afd.link.peer import PeerWiring
from tests.serving.afd.link.host_copier import HOST_PEER, HostCopier
from tests.serving.afd.link.networks import HIDDEN, MAX_ROWS, TOP_K, options


@pytest.fixture
def connections():
    here, there = socket.socketpair()
    yield here, there
    here.close()
    there.close()


def make(connections, attention=HOST_PEER, ffn=HOST_PEER):
    """Both sides; of the FFN side, what it raises if it does."""
    made = []

    def answer():
        try:
            made.append(ffn.feed_forward_pair(connections[1], options()))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield attention.attention_pair(connections[0], options())
    finally:
        thread.join()
    yield made[0]


@pytest.fixture
def pairs(connections):
    attention, ffn = make(connections)
    yield attention, ffn
    attention.close()
    ffn.close()


def message(microbatch, rows, value):
    shape = Shape(rows, HIDDEN, TOP_K)
    nbytes = options().codec.rows_nbytes(shape)
    return Message(Key(7, 2, microbatch), shape, torch.full((nbytes,), value, dtype=torch.uint8))


def test_rows_arrive_once_with_their_key_shape_and_bytes(pairs):
    attention, ffn = pairs
    sent = [message(2, MAX_ROWS, 1), message(0, 3, 2)]
    for each in sent:
        attention.send(each)
    for got, want in zip(ffn.arrived(), reversed(sent), strict=True):
        assert (got.key, got.shape) == (want.key, want.shape)
        assert torch.equal(got.payload, want.payload)
    assert ffn.arrived() == []


def test_an_ffn_instance_may_also_wait_for_its_rows_in_a_fixed_order(pairs):
    attention, ffn = pairs
    want = message(1, 5, 8)
    threading.Timer(0.05, attention.send, [want]).start()
    assert torch.equal(ffn.wait(1, want.payload.numel()), want.payload)
    assert ffn.arrived() == []


def test_results_come_back_in_any_order(pairs):
    attention, ffn = pairs
    shape = Shape(4, HIDDEN, 0)
    nbytes = options().codec.result_nbytes(shape)
    for microbatch in (0, 1):
        attention.send(message(microbatch, 4, 1))
        payload = ffn.result_buffer(microbatch)[:nbytes].fill_(microbatch + 5)
        ffn.send(Message(Key(1, 0, microbatch), shape, payload))
    for microbatch in (1, 0):
        got = attention.receive(Key(1, 0, microbatch), shape)
        assert len(got) == nbytes
        assert torch.all(got == microbatch + 5)


def test_whoever_waits_for_one_that_is_gone_is_let_go(pairs):
    attention, _ = pairs
    attention.send(message(0, 4, 1))
    threading.Timer(0.05, attention.abandon).start()
    attention.receive(Key(7, 2, 0), Shape(4, HIDDEN, 0))


def test_a_word_that_cannot_be_is_refused(pairs):
    attention, ffn = pairs
    attention.abandon()
    ffn.abandon()
    with pytest.raises(FrameError, match="0 rows"):
        ffn.arrived()


class DeafCopier(HostCopier):
    def open(self, exported):
        raise CudaError("peer access is not supported")


@pytest.mark.parametrize("deaf", ["attention", "ffn"])
def test_gpus_that_do_not_reach_each_other_are_named(connections, deaf):
    wiring = PeerWiring(torch.device("cpu"), DeafCopier)
    with pytest.raises(HandshakeError, match="reach each other's memory .peer access is not"):
        list(make(connections, **{deaf: wiring}))


def test_another_machine_is_refused(connections, monkeypatch):
    names = iter("ab")
    monkeypatch.setattr(peer, "_machine", lambda: next(names))
    with pytest.raises(HandshakeError, match="on one machine, .* .this is another machine"):
        list(make(connections))


def test_what_is_refused_leaves_nothing_open(connections):
    before = len(os.listdir("/proc/self/fd"))
    wiring = PeerWiring(torch.device("cpu"), DeafCopier)
    with pytest.raises(HandshakeError):
        list(make(connections, ffn=wiring))
    assert len(os.listdir("/proc/self/fd")) == before
