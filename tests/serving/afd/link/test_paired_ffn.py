import socket
import time
from types import SimpleNamespace

import pytest
import torch

from regard.serving.afd.link import paired_ffn
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.paired_ffn import PairedFeedForwardEnd
from tests.serving.afd.link.host_copier import HOST_PEER
from tests.serving.afd.link.networks import (
    GLOO,
    GreetsLast,
    Server,
    attention_end,
    expected,
    options,
    rows_of,
)


@pytest.fixture(params=[GLOO, HOST_PEER], ids=["gloo", "peer"])
def wiring(request):
    return request.param


@pytest.fixture
def server(wiring):
    server = Server(options(), 0, wiring=wiring)
    yield server
    server.stop()


def ask(end, step):
    rows = rows_of(4, seed=step)
    end.send(Key(step, 1, 0), rows)
    torch.testing.assert_close(
        end.receive(Key(step, 1, 0)), expected(rows, 1, 1), rtol=1e-5, atol=1e-3
    )


def test_without_rows_waiting_ends_in_time(wiring):
    end = PairedFeedForwardEnd(options(), wiring, index=0, host="127.0.0.1")
    started = time.monotonic()
    assert end.receive(0.1) == []
    assert 0.09 < time.monotonic() - started < 1
    end.close()


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "meanwhile"])
def test_whoever_is_greeted_while_an_end_closes_is_hung_up_on(monkeypatch, is_late):
    monkeypatch.setattr(paired_ffn, "answer", lambda *_: {"attention": 3})
    pair = SimpleNamespace(close=lambda: None)
    wiring = SimpleNamespace(name="gloo", rings=True, feed_forward_pair=lambda *_: pair)
    end = PairedFeedForwardEnd(options(), wiring, index=0, host="127.0.0.1")
    ours, theirs = socket.socketpair()
    if is_late:
        end._wake_in = GreetsLast(end._wake_in, lambda: end._greet(ours))
    else:
        end._greet(ours)
    end.close()
    with theirs:
        theirs.settimeout(5)
        assert theirs.recv(1) == b""


def test_a_client_that_leaves_disturbs_nobody_and_may_come_again(wiring, server):
    staying, leaving = (attention_end(options(), index, [server], wiring) for index in range(2))
    for step in (1, 2):
        ask(staying, step)
        ask(leaving, step)
    leaving.send(Key(3, 1, 0), rows_of(4))
    leaving.close()
    ask(staying, 3)
    successor = attention_end(options(), 1, [server], wiring)
    ask(successor, 1)
    ask(staying, 4)
    assert sorted(server.end._clients) == [0, 1]
    staying.close()
    successor.close()


def test_a_caller_who_says_nonsense_disturbs_nobody(wiring, server):
    end = attention_end(options(), 0, [server], wiring)
    with socket.create_connection(server.end.address) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
        ask(end, 1)
    end.close()


def test_it_listens_where_it_was_told_and_nowhere_after_its_end(wiring):
    end = PairedFeedForwardEnd(options(), wiring, index=0, host="127.0.0.1")
    address = end.address
    assert address[0] == "127.0.0.1"
    socket.create_connection(address).close()
    end.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
