import socket
import threading
import time

import pytest

from regard.serving.afd.link.hangup import HangupWatch


@pytest.fixture
def watch():
    watch = HangupWatch()
    yield watch
    watch.close()


@pytest.fixture
def ends():
    here, there = socket.socketpair()
    yield here, there
    here.close()
    there.close()


def test_an_end_is_noticed_with_bytes_unread_and_told_until_it_is_forgotten(watch, ends):
    here, there = ends
    calls = threading.Semaphore(0)
    watch.watch(here, calls.release)
    there.send(b"still to be read")
    assert not calls.acquire(timeout=0.1)
    there.close()
    assert all(calls.acquire(timeout=1) for _ in range(3))
    watch.forget(here)
    while calls.acquire(blocking=False):
        pass
    assert not calls.acquire(timeout=0.1)
    assert here.recv(100) == b"still to be read"


def test_one_s_own_shutdown_counts(watch, ends):
    noticed = threading.Event()
    watch.watch(ends[0], noticed.set)
    ends[0].shutdown(socket.SHUT_RDWR)
    assert noticed.wait(1)


def test_after_forgetting_nothing_is_called_back(watch, ends):
    here, there = ends
    running, may_end = threading.Event(), threading.Event()

    def callback():
        running.set()
        may_end.wait(1)

    watch.watch(here, callback)
    there.close()
    assert running.wait(1)
    threading.Timer(0.05, may_end.set).start()
    watch.forget(here)
    assert may_end.is_set(), "it returned while the callback ran"
    running.clear()
    time.sleep(0.1)
    assert not running.is_set()
