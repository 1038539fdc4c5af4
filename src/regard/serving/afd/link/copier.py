"""What a pair needs of the memory that it shares with another process."""

from typing import Any, Protocol

from jaxtyping import UInt8
from torch import Tensor


class Copier(Protocol):
    """Memory that another process can write, and copies and signals in order."""

    def allocate(self, nbytes: int) -> int:
        """Memory that can be shared."""
        ...

    def export(self, address: int) -> str:
        """What another process needs to open it."""
        ...

    def open(self, exported: str) -> int:
        """Another process's memory."""
        ...

    def register(self, address: int, nbytes: int) -> int:
        """Memory of the host as copies and signals are to name it."""
        ...

    def tensor(self, address: int, nbytes: int) -> UInt8[Tensor, " nbytes"]:
        """Own memory as a tensor."""
        ...

    def send(self, target: int, source: UInt8[Tensor, " nbytes"], signal: int, word: int) -> Any:
        """Copy, then write the word; what `join` takes."""
        ...

    def wait(self, signal: int) -> None:
        """Wait for a word that is not 0, and make it 0."""
        ...

    def join(self, sent: Any) -> None:
        """Wait for a copy."""
        ...

    def is_idle(self) -> bool:
        """Whether all that was asked for is done."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
