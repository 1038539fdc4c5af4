"""Random tensors in the checkpoint's formats, each from a seed of its own.

What a tensor holds depends on its key alone: so every topology has the same model.
"""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from benchmarks.serving.slice.tensors import SPREAD, fill_normal
from regard.serving.kernels.block_scaled.launch import Weight

PIECE = 8192
"""Rows of a BF16 matrix that are drawn at a time."""


class Kind(IntEnum):
    """What a tensor is, the first part of its key."""

    EMBEDDING = 0
    HEAD = 1
    QKV = 2
    QUERY = 3
    OUT = 4
    INPUT_NORM = 5
    INNER_NORM = 6
    POST_NORM = 7
    ROUTER = 8
    EXPERT = 9
    SHARED = 10
    DENSE = 11
    CACHE = 12
    TOKENS = 13


class Draw:
    """Draws on one device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        """Of the whole run."""
        self.device = device
        self._seed = seed
        self._generator = torch.Generator(device=device)

    def seeded(self, *key: int) -> torch.Generator:
        """The generator of a key; the next call seeds it anew."""
        state = np.random.SeedSequence((self._seed, *key)).generate_state(1, np.uint64)
        return self._generator.manual_seed(int(state[0] >> np.uint64(1)))

    def fill(self, weight: Weight, gain: float, inner: int, *key: int) -> None:
        """Fills a weight whose products with unit rows then have deviation `gain`.

        Args:
            weight: Contiguous values, and scales of any layout.
            gain: Of the whole product.
            inner: Columns of the whole weight, of which this one may be a part.
            key: Of the tensor.
        """
        generator = self.seeded(*key)
        fill_normal(weight.values, generator, SPREAD)
        spread = torch.rand(weight.scales.shape, generator=generator, device=self.device)
        weight.scales.copy_((spread * 0.4 + 0.8) * (gain / SPREAD / inner**0.5))

    def weight(self, outer: int, inner: int, gain: float, *key: int) -> Weight:
        """A whole weight."""
        made = empty_weight(outer, inner, self.device)
        self.fill(made, gain, inner, *key)
        return made

    def matrix(self, rows: int, columns: int, deviation: float, *key: int) -> Tensor:
        """A BF16 matrix of normal values."""
        generator = self.seeded(*key)
        out = torch.empty(rows, columns, dtype=torch.bfloat16, device=self.device)
        for part in out.split(PIECE):
            part.copy_(torch.randn(part.shape, generator=generator, device=self.device))
        return out.mul_(deviation)

    def norm(self, size: int, *key: int) -> Tensor:
        """Weights of a norm, around 1."""
        return torch.rand(size, generator=self.seeded(*key), device=self.device) * 0.2 + 0.9


def empty_weight(outer: int, inner: int, device: torch.device) -> Weight:
    """Room for a weight; either size may be 0."""
    return Weight(
        torch.empty(outer, inner, dtype=torch.float8_e4m3fn, device=device),
        torch.empty(outer // 128, inner // 128, device=device),
    )


def part(weight: Weight, rows: slice, columns: slice = slice(None)) -> Weight:
    """A view of whole blocks."""

    def blocks(each: slice) -> slice:
        return slice(*(None if end is None else end // 128 for end in (each.start, each.stop)))

    return Weight(weight.values[rows, columns], weight.scales[blocks(rows), blocks(columns)])
