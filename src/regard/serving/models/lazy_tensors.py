"""The tensors of a model's files: known by their headers, read when asked for, never kept."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from regard.serving.models.quantised import LoadedTensor


class TensorHeader(NamedTuple):
    """What a file says of a tensor before its data is read."""

    shape: tuple[int, ...]
    """Its shape."""
    kind: str
    """Its type, as the file spells it: F32, BF16, Q4_1, ..."""
    file: Path
    """Where it lies."""


class LazyTensors(Mapping[str, LoadedTensor]):
    """A mapping whose values are read anew each time: an instance holds only what it keeps.

    Values may be views of a mapped file, so what is to outlive it must be copied.
    """

    def __init__(
        self, headers: Mapping[str, TensorHeader], read: Callable[[str], LoadedTensor]
    ) -> None:
        self.headers = headers
        self._read = read

    def __getitem__(self, name: str) -> LoadedTensor:
        if name not in self.headers:
            raise KeyError(name)
        return self._read(name)

    def __contains__(self, name: object) -> bool:
        return name in self.headers

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)
