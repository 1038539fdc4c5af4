"""Random weights, drawn when asked for."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

DEFAULT_SCALE = 0.02


@dataclass(frozen=True)
class RandomStack:
    """A stack of random matrices, none of which is drawn before it is asked for."""

    shape: tuple[int, int, int]
    """Experts, rows, columns."""
    draw: Callable[[int], Tensor]
    """The matrix of one expert."""


class RandomTensors(Mapping[str, Tensor]):
    """Each tensor depends on the seed and its name alone, so any process can draw its own part.

    Three-dimensional tensors are stacks of experts, each drawn for itself.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        *,
        seed: int,
        dtype: torch.dtype = torch.float32,
        scale: float = DEFAULT_SCALE,
        device: torch.device | None = None,
    ) -> None:
        """Take the names with their shapes, and the standard deviation of what is no norm.

        A GPU draws other numbers than a CPU, and billions of them in no time.
        """
        self.shapes, self.dtype = shapes, dtype
        self._seed, self._scale = seed, scale
        self._device = device or torch.device("cpu")

    def __getitem__(self, name: str) -> Tensor:
        shape = self.shapes[name]
        if len(shape) == 3:
            return torch.stack([self._expert(name, expert) for expert in range(shape[0])])
        if len(shape) == 1 and "norm" in name and not name.endswith("bias"):
            return torch.ones(shape, dtype=self.dtype, device=self._device)
        return self._draw(name, shape)

    def __contains__(self, name: object) -> bool:
        return name in self.shapes

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def stack(self, name: str) -> RandomStack:
        """A three-dimensional tensor, to be drawn expert by expert."""
        experts, rows, columns = self.shapes[name]
        return RandomStack((experts, rows, columns), lambda expert: self._expert(name, expert))

    def _expert(self, name: str, expert: int) -> Tensor:
        return self._draw(f"{name}[{expert}]", self.shapes[name][1:])

    def _draw(self, name: str, shape: tuple[int, ...]) -> Tensor:
        digest = hashlib.sha256(f"{self._seed}:{name}".encode()).digest()
        seed = int.from_bytes(digest[:8], "little") >> 1
        generator = torch.Generator(self._device).manual_seed(seed)
        values = torch.randn(shape, generator=generator, device=self._device)
        return values.mul_(self._scale).to(self.dtype)
