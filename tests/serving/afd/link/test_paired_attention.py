import threading
import time

import pytest
import torch

from regard.serving.afd.handshake import HandshakeError
from regard.serving.afd.link.contract import Key, StepLostError
from regard.serving.afd.link.paired_ffn import PairedFeedForwardEnd
from regard.serving.afd.link.peer import PeerWiring
from regard.serving.afd.link.tcp_attention import Address
from regard.serving.errors import InstanceLostError
from tests.serving.afd.link.host_copier import HOST_PEER, HostCopier
from tests.serving.afd.link.networks import (
    GLOO,
    Server,
    attention_end,
    connected,
    expected,
    options,
    rows_of,
)


@pytest.fixture(params=[GLOO, HOST_PEER], ids=["gloo", "peer"])
def wiring(request):
    return request.param


@pytest.fixture
def servers(wiring):
    made = []

    def start(index=0):
        made.append(Server(options(), index, wiring=wiring))
        return made[-1]

    yield start
    for server in made:
        server.stop()


class Mute:
    """An FFN instance that answers nothing."""

    def __init__(self, wiring, index=0):
        self.end = PairedFeedForwardEnd(options(), wiring, index=index, host="127.0.0.1")
        self.stop = self.end.close


def round_trip(end, step, num_ffn=1, microbatch=0):
    rows = rows_of(5, seed=step)
    key = Key(step, 0, microbatch)
    end.send(key, rows)
    got = end.receive(key)
    end.settle()
    torch.testing.assert_close(got, expected(rows, 0, num_ffn), rtol=1e-5, atol=1e-3)


def test_a_lost_instance_loses_the_step_and_its_successor_takes_the_next(wiring, servers):
    lost = []
    first = Mute(wiring)
    end = attention_end(
        options(), 0, [first], wiring, on_lost=lambda ffn, reason: lost.append((ffn, reason))
    )
    end.send(Key(2, 0, 0), rows_of(5))
    threading.Timer(0.1, first.stop).start()
    with pytest.raises(StepLostError, match="FFN instance 0 is gone"):
        [end.receive(Key(2, 0, 0)), end.settle()]

    def come_back():
        time.sleep(0.3)
        end.set_address(0, Address(*servers().end.address, 2))

    thread = threading.Thread(target=come_back)
    thread.start()
    round_trip(end, 3)
    thread.join()
    assert [ffn for ffn, _ in lost] == [0]
    end.close()


def test_what_the_others_owed_is_taken_and_thrown_away(wiring, servers):
    staying, leaving = servers(0), Mute(wiring, 1)
    end = attention_end(options(), 0, [staying, leaving], wiring)
    for microbatch in (0, 1):
        end.send(Key(1, 0, microbatch), rows_of(9))
    leaving.stop()
    with pytest.raises(StepLostError, match="FFN instance 1 is gone"):
        [end.receive(Key(1, 0, 0)), end.settle()]
    end.set_address(1, Address(*servers(1).end.address, 2))
    for step in (2, 3):
        for microbatch in (0, 1):
            round_trip(end, step, 2, microbatch)
    end.close()


def test_an_instance_that_is_replaced_while_it_owes_something_loses_the_step(wiring, servers):
    first, second = servers(), servers()
    end = attention_end(options(), 0, [first], wiring)
    end.send(Key(1, 0, 0), rows_of(3))
    end.set_address(0, Address(*second.end.address, 2))
    end.send(Key(1, 0, 1), rows_of(3))
    with pytest.raises(StepLostError, match="was replaced"):
        end.receive(Key(1, 0, 0))
    round_trip(end, 2)
    end.close()


def test_a_higher_generation_takes_the_place_of_a_connection_that_stands(wiring, servers):
    first, second = servers(), servers()
    end = attention_end(options(), 0, [first], wiring)
    round_trip(end, 1)
    end.set_address(0, Address(*second.end.address, 2))
    round_trip(end, 2)
    assert list(second.end._clients) == [0]
    end.close()


@pytest.mark.parametrize(
    ("on_ffn_loss", "reason"), [("wait", "within 0.3 s"), ("fail", "--on-ffn-loss is fail")]
)
def test_waiting_has_an_end(wiring, servers, on_ffn_loss, reason):
    server = servers()
    settings = {"on_ffn_loss": on_ffn_loss, "recovery_timeout_seconds": 0.3}
    end = attention_end(options(), 0, [server], wiring, **settings)
    round_trip(end, 1)
    server.stop()
    started = time.monotonic()
    while not end._peers[0].is_lost:
        time.sleep(0.001)
    with pytest.raises(InstanceLostError, match=reason):
        round_trip(end, 2)
    assert time.monotonic() - started < 3
    end.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"token": "other"}, "token"), ({"digest": "other"}, "digest"), ({"max_rows": 3}, "max_rows")],
)
def test_another_configuration_is_refused(wiring, servers, changes, reason):
    end = attention_end(options(**changes), 0, [servers()], wiring)
    with pytest.raises(HandshakeError, match=reason):
        end.send(Key(1, 0, 0), rows_of(1))
    end.close()


@pytest.mark.parametrize("other", [None, PeerWiring(torch.device("cpu"), HostCopier, "other")])
@pytest.mark.parametrize("is_turned", [False, True])
def test_the_two_sides_must_speak_over_the_same_link(wiring, other, is_turned):
    here, there = (other, wiring) if is_turned else (wiring, other)
    server = Server(options(), 0, wiring=there)
    end = attention_end(options(), 0, [server], here)
    with pytest.raises(HandshakeError, match="its purpose is 'rows"):
        end.send(Key(1, 0, 0), rows_of(1))
    end.close()
    server.stop()


def test_nothing_is_left_behind(wiring):
    before = threading.active_count()
    with connected(2, 2, "float32", wiring) as ends:
        for end in ends:
            round_trip(end, 1, num_ffn=2)
    deadline = time.monotonic() + 5
    while threading.active_count() > before:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.01)
