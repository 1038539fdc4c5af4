import select
import socket

import pytest

from regard.serving.afd.link.poller import Poller


@pytest.mark.parametrize("spin_seconds", [0.0, 0.001])
def test_it_waits_with_and_without_spinning(spin_seconds):
    a, b = socket.socketpair()
    with a, b:
        poller = Poller(spin_seconds)
        poller.watch(a.fileno(), select.POLLIN)
        assert poller.wait(0.005) == []
        b.send(b"x")
        assert poller.wait(None) == [(a.fileno(), select.POLLIN)]
        poller.watch(a.fileno(), select.POLLIN | select.POLLOUT)
        assert poller.wait(None) == [(a.fileno(), select.POLLIN | select.POLLOUT)]
        poller.forget(a.fileno())
        assert poller.wait(0.005) == []
