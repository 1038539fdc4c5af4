import select
import socket
import time

import pytest

from regard.serving.kernels import native
from regard.serving.kernels.poll import SpinningPoll, plain_poll

VERSIONS = [
    plain_poll,
    pytest.param(
        lambda *arguments: SpinningPoll(0.001)(*arguments),
        marks=pytest.mark.skipif(not native.is_available(), reason="no C kernels here"),
    ),
]


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    with a, b:
        yield a, b


@pytest.mark.parametrize("poll", VERSIONS, ids=["plain", "spinning"])
def test_what_is_ready_is_named_with_what_it_is_ready_for(poll, pair):
    a, b = pair
    b.send(b"x")
    found = dict(poll({a.fileno(): select.POLLIN, b.fileno(): select.POLLIN}, None))
    assert found == {a.fileno(): select.POLLIN}
    assert dict(poll({b.fileno(): select.POLLOUT}, None)) == {b.fileno(): select.POLLOUT}


@pytest.mark.parametrize("poll", VERSIONS, ids=["plain", "spinning"])
@pytest.mark.parametrize("seconds", [0.0, 0.0004, 0.03])
def test_nothing_is_ready_after_the_time_and_not_before(poll, pair, seconds):
    started = time.perf_counter()
    assert poll({pair[0].fileno(): select.POLLIN}, seconds) == []
    assert time.perf_counter() - started >= seconds


@pytest.mark.parametrize("poll", VERSIONS, ids=["plain", "spinning"])
def test_a_peer_that_hangs_up_is_noticed(poll, pair):
    a, b = pair
    b.close()
    assert dict(poll({a.fileno(): select.POLLIN}, None))[a.fileno()] & select.POLLIN
