"""Places and their holders, with threads in the part of processes."""

import socket
import threading
import time

import pytest

from regard.common.errors import UserError
from regard.serving.afd import coordinator as module
from regard.serving.afd.channel import Channel
from regard.serving.afd.coordinator import Coordinator
from regard.serving.afd.handshake import call


class FakeProcess:
    """A process that has ended with status 9."""

    def poll(self):
        return 9

    def kill(self):
        pass

    def wait(self, timeout=None):
        return 9


class DyingLauncher:
    def __init__(self):
        self.started = []
        self.is_closed = False

    def start(self, place):
        self.started.append(place)
        return FakeProcess()

    def close(self):
        self.is_closed = True


@pytest.fixture
def make():
    made = []

    def build(places, launcher=None):
        events = []
        coordinator = Coordinator(
            socket.create_server(("127.0.0.1", 0)),
            token="secret",
            places=places,
            assignment=lambda name: {"role": name},
            launcher=launcher,
            on_message=lambda place, message: events.append((place.name, message["kind"])),
            on_ready=lambda place: events.append((place.name, "ready")),
            on_lost=lambda place, reason: events.append((place.name, "lost")),
        )
        coordinator.start()
        made.append(coordinator)
        return coordinator, events

    yield build
    for coordinator in made:
        coordinator.stop()


def join(coordinator, place=None):
    connection = socket.create_connection(coordinator.address)
    call(connection, "secret", {"purpose": "control", "place": place})
    channel = Channel(connection)
    return channel, channel.receive()


def beat(channel, stop):
    while not stop.wait(0.1):
        channel.send("alive")


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_whoever_joins_gets_a_free_place_and_its_assignment(make):
    coordinator, events = make(["attention0", "ffn0"])
    second, assignment = join(coordinator, "ffn0")
    assert assignment == {"kind": "assignment", "place": "ffn0", "role": "ffn0"}
    first, assignment = join(coordinator)
    assert assignment["place"] == "attention0"
    third, refusal = join(coordinator)
    assert refusal["kind"] == "refused"
    first.send("ready")
    second.send("ready", address=["h", 5])
    coordinator.wait_until_ready(5)
    assert coordinator.places["ffn0"].address == ("h", 5)
    assert [place.name for place in coordinator.ready("ffn")] == ["ffn0"]
    for channel in (first, second, third):
        channel.close()


def test_a_holder_that_hangs_up_is_lost_and_another_may_come(make):
    coordinator, events = make(["ffn0"])
    channel, _ = join(coordinator)
    channel.send("ready", address=["h", 5])
    coordinator.wait_until_ready(5)
    channel.close()
    until(lambda: ("ffn0", "lost") in events)
    assert coordinator.ready("ffn") == []
    channel, assignment = join(coordinator)
    assert assignment["place"] == "ffn0"
    channel.close()


def test_a_silent_holder_is_lost_within_two_seconds_and_one_that_beats_is_not(make, monkeypatch):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.4)
    coordinator, events = make(["ffn0", "ffn1"])
    stop = threading.Event()
    quiet, _ = join(coordinator, "ffn0")
    lively, _ = join(coordinator, "ffn1")
    beating = threading.Thread(target=beat, args=(lively, stop))
    beating.start()
    for channel in (quiet, lively):
        channel.send("ready", address=["h", 5])
    until(lambda: ("ffn0", "lost") in events)
    time.sleep(0.6)
    assert ("ffn1", "lost") not in events
    stop.set()
    beating.join()
    quiet.close()
    lively.close()


def test_a_start_that_keeps_failing_is_given_up_with_a_reason(make):
    launcher = DyingLauncher()
    coordinator, _ = make(["ffn0"], launcher)
    with pytest.raises(UserError, match="ffn0: 3 starts failed one after the other"):
        coordinator.wait_until_ready(10)
    assert launcher.started == ["ffn0"] * 3
    coordinator.stop()
    assert launcher.is_closed


def test_the_holder_s_own_reason_ends_the_wait(make):
    coordinator, _ = make(["ffn0"])
    channel, _ = join(coordinator)
    channel.send("failed", message="weights.bin: no such file")
    with pytest.raises(UserError, match="ffn0: weights.bin: no such file"):
        coordinator.wait_until_ready(5)
    channel.close()


def test_waiting_names_who_is_missing(make):
    coordinator, _ = make(["attention0", "ffn0"])
    with pytest.raises(UserError, match="not ready after 0.1 s: attention0, ffn0"):
        coordinator.wait_until_ready(0.1)
