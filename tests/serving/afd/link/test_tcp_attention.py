import threading
import time

import pytest
import torch

from regard.serving.afd.handshake import HandshakeError
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.tcp_attention import Address
from regard.serving.errors import InstanceLostError
from tests.serving.afd.link.networks import Server, attention_end, expected, options, rows_of


@pytest.fixture
def server():
    server = Server(options(), 0)
    yield server
    server.stop()


def round_trip(end, step=1, num_ffn=1):
    rows = rows_of(5, seed=step)
    end.send(Key(step, 0, 0), rows)
    got = end.receive(Key(step, 0, 0))
    torch.testing.assert_close(got, expected(rows, 0, num_ffn), rtol=1e-5, atol=1e-3)


def test_an_instance_that_comes_back_elsewhere_gets_the_rows_again(server):
    lost = []
    end = attention_end(options(), 0, [server], on_lost=lambda ffn, reason: lost.append(ffn))
    round_trip(end)
    server.stop()
    rows = rows_of(5, seed=2)
    end.send(Key(2, 0, 0), rows)
    successor = []

    def come_back():
        time.sleep(0.3)
        successor.append(Server(options(), 0))
        end.set_address(0, Address(*successor[0].end.address, 2))

    thread = threading.Thread(target=come_back)
    thread.start()
    got = end.receive(Key(2, 0, 0))
    torch.testing.assert_close(got, expected(rows, 0, 1), rtol=1e-5, atol=1e-3)
    assert lost == [0]
    thread.join()
    round_trip(end, step=3)
    end.close()
    successor[0].stop()


def test_a_higher_generation_takes_the_place_of_a_connection_that_stands(server):
    end = attention_end(options(), 0, [server])
    round_trip(end)
    successor = Server(options(), 0)
    end.set_address(0, Address(*successor.end.address, 2))
    round_trip(end, step=2)
    assert not server.end._clients or server.end.receive(0.2) == []
    assert list(successor.end._clients) == [0]
    end.close()
    successor.stop()


def test_waiting_has_an_end(server):
    end = attention_end(options(), 0, [server], recovery_timeout_seconds=0.3)
    round_trip(end)
    server.stop()
    started = time.monotonic()
    with pytest.raises(InstanceLostError, match="FFN instance 0 is gone .* within 0.3 s"):
        round_trip(end, step=2)
    assert 0.2 < time.monotonic() - started < 3
    end.close()


def test_with_fail_a_loss_ends_the_step_at_once(server):
    end = attention_end(options(), 0, [server], on_ffn_loss="fail", recovery_timeout_seconds=60.0)
    round_trip(end)
    server.stop()
    started = time.monotonic()
    with pytest.raises(InstanceLostError, match="--on-ffn-loss is fail"):
        round_trip(end, step=2)
    assert time.monotonic() - started < 2
    end.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token": "other"}, "its token is not this one's"),
        ({"digest": "other"}, "its digest is 'other'"),
        ({"max_rows": 32}, "its max_rows is 32, here it is 64"),
    ],
)
def test_instances_that_do_not_fit_refuse_each_other(server, changes, message):
    end = attention_end(options(**changes), 0, [server])
    with pytest.raises(HandshakeError, match=message):
        round_trip(end)


def test_the_wrong_shard_is_refused(server):
    end = attention_end(options(), 0, [server, server])
    with pytest.raises(HandshakeError, match="its ffn is 1, here it is 0"):
        round_trip(end)
    end.close()


def test_a_delayed_link_is_slower_by_the_delay_each_way():
    delayed = options(delay_seconds=0.05)
    server = Server(delayed, 0)
    end = attention_end(delayed, 0, [server])
    round_trip(end)
    started = time.perf_counter()
    round_trip(end, step=2)
    assert 0.1 <= time.perf_counter() - started < 0.2
    end.close()
    server.stop()


def test_large_messages_both_ways_do_not_lock_each_other_out():
    # Several times what socket buffers hold: each side must read while it writes.
    large = options(hidden=200, max_rows=12_000)
    server = Server(large, 0)
    end = attention_end(large, 0, [server])
    batches = [rows_of(12_000, seed=seed) for seed in range(3)]
    for microbatch, rows in enumerate(batches):
        end.send(Key(1, 0, microbatch), rows)
    for microbatch, rows in enumerate(batches):
        got = end.receive(Key(1, 0, microbatch))
        torch.testing.assert_close(got, expected(rows, 0, 1), rtol=1e-5, atol=1e-3)
    end.close()
    server.stop()
