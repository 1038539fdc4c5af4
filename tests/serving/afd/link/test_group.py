import os
import socket
import threading

import psutil
import pytest
import torch

from regard.serving.afd.link.group import as_connection_error, make_group, open_store

HOST = "127.0.0.1"
CPU = torch.device("cpu")


def two_groups(names=("one", "two")):
    """Both members' groups, in the order of their names."""
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    stores = [open_store(HOST, port, listening=listener.detach()), open_store(HOST, port)]
    members = [[], []]

    def join(rank):
        for name in names:
            group = make_group("gloo", stores[rank], name, rank=rank, host=HOST, device=CPU)
            members[rank].append(group)

    thread = threading.Thread(target=join, args=(1,))
    thread.start()
    join(0)
    thread.join()
    return members


def test_a_message_of_one_group_does_not_wait_for_those_of_another():
    (first, second), (other_first, other_second) = two_groups()
    never_sent = torch.zeros(3)
    waiting = other_first.recv([never_sent], 0, 0)
    sending = second.send([torch.arange(3.0)], 1, 0)
    got = torch.zeros(3)
    assert other_second.recv([got], 0, 0).wait()
    assert sending.wait()
    assert got.tolist() == [0, 1, 2]
    first.send([torch.ones(3)], 1, 0).wait()
    assert waiting.wait()


def test_everything_listens_on_the_given_host_only():
    members = two_groups()
    listening = [
        each.laddr.ip
        for each in psutil.Process(os.getpid()).net_connections()
        if each.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {HOST}
    del members


def test_torch_s_errors_become_those_of_a_connection():
    with pytest.raises(ConnectionError, match="^first line$"), as_connection_error():
        raise RuntimeError("first line\nsecond line")
