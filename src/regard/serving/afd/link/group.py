"""Groups of two processes in torch.distributed, apart from its default group."""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal, Protocol

import torch
import torch.distributed
from torch import Tensor

# These are there, but not declared to type checkers.
dist: Any = torch.distributed

Backend = Literal["gloo", "nccl"]
TIMEOUT = timedelta(seconds=10)
"""For a message whose header has come."""
NCCL_SETTINGS = {
    # Otherwise its watchdog ends this process when the other one is gone.
    "TORCH_NCCL_ASYNC_ERROR_HANDLING": "0",
    "TORCH_NCCL_ENABLE_MONITORING": "0",
    # Multicast is of no use between two.
    "NCCL_NVLS_ENABLE": "0",
}


class Work(Protocol):
    """Something that a group has begun."""

    def wait(self) -> bool:
        """Wait for it: the process with gloo, the current stream with NCCL."""
        ...


class Group(Protocol):
    """A backend of torch.distributed with its members."""

    def send(self, tensors: list[Tensor], rank: int, tag: int) -> Work:
        """Begin to send."""
        ...

    def recv(self, tensors: list[Tensor], rank: int, tag: int) -> Work:
        """Begin to receive."""
        ...

    def abort(self) -> None:
        """End what is under way."""
        ...


def open_store(host: str, port: int, listening: int | None = None) -> Any:
    """Where the members of groups find each other.

    Args:
        host: of the one that listens.
        port: where it listens.
        listening: the descriptor of its socket; None connects to it.
    """
    role = {} if listening is None else {"is_master": True, "master_listen_fd": listening}
    return dist.TCPStore(host, port, timeout=TIMEOUT, wait_for_workers=False, **role)


def make_group(
    backend: Backend, store: Any, name: str, *, rank: int, host: str, device: torch.device
) -> Group:
    """Meet the other member, and move a byte: whatever could hinder messages hinders that.

    NCCL makes its communicator with the first message, when both sides must be there.

    Args:
        backend: gloo or nccl.
        store: shared by the two.
        name: of the group in the store.
        rank: 0 or 1; 0 sends the byte.
        host: this side's address, where gloo listens.
        device: where messages are.
    """
    if backend == "nccl":
        for variable, value in NCCL_SETTINGS.items():
            os.environ.setdefault(variable, value)
        torch.cuda.set_device(device)
        make, options = dist.ProcessGroupNCCL, dist.ProcessGroupNCCL.Options()
    else:
        make, options = dist.ProcessGroupGloo, dist.ProcessGroupGloo._Options()
        # By default it listens on whatever address the host's name stands for.
        options._devices = [dist.ProcessGroupGloo.create_device(hostname=host)]
    options._timeout = TIMEOUT
    group: Group = make(dist.PrefixStore(name, store), rank, 2, options)
    byte = torch.zeros(1, dtype=torch.uint8, device=device)
    (group.recv if rank else group.send)([byte], 1 - rank, 0).wait()
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
    return group


@contextlib.contextmanager
def as_connection_error() -> Iterator[None]:
    """What torch.distributed raises, under the name that a link gives it."""
    try:
        yield
    except RuntimeError as error:
        raise ConnectionError(str(error).splitlines()[0]) from error
