import socket
import threading

import pytest

from regard.serving.afd.channel import Channel


@pytest.fixture
def channels():
    listener = socket.create_server(("127.0.0.1", 0))
    caller = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    listener.close()
    pair = Channel(caller), Channel(accepted)
    yield pair
    for channel in pair:
        channel.close()


def test_messages_of_many_threads_come_whole(channels):
    a, b = channels

    def send(number):
        for count in range(50):
            a.send("n", number=number, count=count, text="x" * 5000)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    messages = [b.receive() for _ in range(200)]
    for thread in threads:
        thread.join()
    for number in range(4):
        own = [message["count"] for message in messages if message["number"] == number]
        assert own == list(range(50))


def test_closing_wakes_whoever_receives(channels):
    a, b = channels
    errors = []

    def receive():
        try:
            b.receive()
        except (ConnectionError, OSError) as error:
            errors.append(error)

    thread = threading.Thread(target=receive)
    thread.start()
    b.close()
    thread.join(5)
    assert len(errors) == 1


def test_a_channel_knows_its_own_host(channels):
    assert channels[0].own_host == "127.0.0.1"
