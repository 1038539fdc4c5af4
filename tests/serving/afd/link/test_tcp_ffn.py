import socket

import pytest

from regard.serving.afd.handshake import call
from regard.serving.afd.link import tcp_ffn
from regard.serving.afd.link.contract import Arrival, Key
from regard.serving.afd.link.frames import HEADER
from regard.serving.afd.link.tcp_ffn import TcpFeedForwardEnd
from tests.serving.afd.link.networks import GreetsLast, Server, attention_end, options, rows_of
from tests.serving.afd.link.test_tcp_attention import round_trip


@pytest.fixture
def server():
    server = Server(options(), 0)
    yield server
    server.stop()


def greeted(server):
    connection = socket.create_connection(server.end.address)
    call(connection, "secret", {**options().hello(), "attention": 7, "ffn": 0})
    return connection


@pytest.mark.parametrize(
    "header",
    [
        HEADER.pack(1, 0, 9, 0, 4, 0),
        HEADER.pack(1, 0, 0, 0, 65, 0),
        HEADER.pack(1, 0, 0, 4, 4, 0),
        HEADER.pack(1, 0, 0, 0, 0, 0),
        b"\xff" * HEADER.size,
    ],
    ids=["micro-batch", "rows", "experts", "no rows", "garbage"],
)
def test_an_impossible_frame_ends_its_connection_and_no_other(server, header):
    end = attention_end(options(), 0, [server])
    round_trip(end)
    with greeted(server) as connection:
        connection.sendall(header)
        connection.settimeout(5)
        assert connection.recv(1) == b""
    round_trip(end, step=2)
    end.close()


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "meanwhile"])
def test_whoever_is_greeted_while_an_end_closes_is_hung_up_on(monkeypatch, is_late):
    monkeypatch.setattr(tcp_ffn, "answer", lambda *_: {"attention": 3})
    end = TcpFeedForwardEnd(options(), index=0, host="127.0.0.1")
    ours, theirs = socket.socketpair()
    if is_late:
        end._wake_in = GreetsLast(end._wake_in, lambda: end._greet(ours))
    else:
        end._greet(ours)
    end.close()
    with theirs:
        theirs.settimeout(5)
        assert theirs.recv(1) == b""


def test_whoever_says_nothing_keeps_nobody_waiting(server):
    with socket.create_connection(server.end.address):
        end = attention_end(options(), 0, [server])
        round_trip(end)
        end.close()


def test_an_answer_to_somebody_who_is_gone_is_dropped(server):
    server.end.send(Arrival(5, Key(1, 0, 0), rows_of(2)), rows_of(2).x)


def test_an_attention_instance_that_comes_back_replaces_its_old_connection(server):
    first = attention_end(options(), 0, [server])
    round_trip(first)
    second = attention_end(options(), 0, [server])
    round_trip(second)
    assert len(server.end._clients) == 1
    first.close()
    second.close()
