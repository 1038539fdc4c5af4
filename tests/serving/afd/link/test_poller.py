import select
import socket

import pytest

from regard.serving.afd.link.poller import Poller


@pytest.mark.parametrize("spin_seconds", [0.0, 0.001])
def test_it_waits_with_and_without_spinning(spin_seconds):
    a, b = socket.socketpair()
    with a, b:
        poller = Poller(spin_seconds)
        assert poller.wait({a.fileno(): select.POLLIN}, 0.005) == []
        b.send(b"x")
        assert poller.wait({a.fileno(): select.POLLIN}, None) == [(a.fileno(), select.POLLIN)]
