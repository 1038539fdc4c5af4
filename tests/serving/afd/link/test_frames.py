import socket
import time

import pytest
import torch

from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.frames import FrameError, FrameSocket, registered_buffers


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        caller = socket.create_connection(listener.getsockname())
        return caller, listener.accept()[0]


@pytest.fixture
def pair():
    sockets = tcp_pair()
    with sockets[0], sockets[1]:
        yield [
            FrameSocket(each, registered_buffers(2, 400), lambda f: 4 * f.rows) for each in sockets
        ]


def payload(rows, value):
    return torch.full((4 * rows,), value, dtype=torch.uint8)


def test_frames_arrive_whole_in_the_buffer_of_their_micro_batch():
    a, b = tcp_pair()
    with a, b:
        buffers = registered_buffers(2, 400)
        sender = FrameSocket(a, [], lambda frame: 0)
        receiver = FrameSocket(b, buffers, lambda frame: 4 * frame.rows)
        sender.send(Key(5, 7, 1), 3, 2, payload(3, 9))
        sender.send(Key(6, 8, 0), 1, 0, payload(1, 4))
        frames = receiver.read()
        assert [(f.key, f.rows, f.top_k) for f in frames] == [
            (Key(5, 7, 1), 3, 2),
            (Key(6, 8, 0), 1, 0),
        ]
        assert frames[0].sent_ns > 0
        assert torch.equal(buffers[1][:12], payload(3, 9))
        assert torch.equal(buffers[0][:4], payload(1, 4))
        assert receiver.read() == []


def test_a_frame_larger_than_the_room_goes_in_pieces():
    a, b = tcp_pair()
    with a, b:
        rows = 1_000_000
        buffers = registered_buffers(1, 4 * rows)
        sender = FrameSocket(a, [], lambda frame: 0)
        receiver = FrameSocket(b, buffers, lambda frame: 4 * frame.rows)
        sender.send(Key(1, 0, 0), rows, 0, payload(rows, 3))
        assert sender.has_unsent
        frames = []
        while not frames:
            frames = receiver.read()
            sender.flush()
        assert not sender.has_unsent
        assert (buffers[0] == 3).all()


def test_hanging_up_and_frames_too_large_for_their_buffer_are_errors(pair):
    a, b = pair
    a.send(Key(1, 0, 0), 101, 0, payload(101, 1))
    with pytest.raises(FrameError, match="404 bytes for a buffer of 400"):
        b.read()
    a.close()
    b.close()


def test_a_closed_peer_is_a_connection_error(pair):
    a, b = pair
    a.close()
    with pytest.raises(ConnectionError):
        b.read()


def test_on_a_slower_wire_a_frame_is_visible_the_delay_after_it_came():
    a, b = tcp_pair()
    delay_ns, waited_seconds = 50_000_000, 0.1
    with a, b:
        sender = FrameSocket(a, [], lambda frame: 0)
        receiver = FrameSocket(b, registered_buffers(1, 400), lambda f: 4 * f.rows, delay_ns)
        sender.send(Key(1, 0, 0), 3, 0, payload(3, 9))
        (frame,) = receiver.read()
        wire_ns = receiver.visible_ns(frame) - frame.sent_ns - delay_ns
        assert 0 < wire_ns < delay_ns
        # This one waits for its reader, which does not make it later.
        sender.send(Key(1, 1, 0), 3, 0, payload(3, 9))
        time.sleep(waited_seconds)
        (frame,) = receiver.read()
        assert receiver.visible_ns(frame) == frame.sent_ns + wire_ns + delay_ns
        assert receiver.visible_ns(frame) < time.perf_counter_ns()


def test_without_a_delay_a_frame_is_visible_once_it_is_read(pair):
    sender, receiver = pair
    sender.send(Key(1, 0, 0), 3, 0, payload(3, 9))
    (frame,) = receiver.read()
    assert receiver.visible_ns(frame) == 0
