"""The sequences of one micro-batch: lengths, pages, and what the GPU needs to know each step."""

import numpy as np
import torch
from torch import Tensor

from benchmarks.serving.slice.config import SliceConfig
from regard.serving.kernels.mfa_decode.tile_map import PAGE_SIZE, TileMap


class Sequences:
    """Lengths grow by one a step; a sequence at the longest is replaced by one of the shortest."""

    def __init__(
        self, config: SliceConfig, index: int, device: torch.device, num_blocks: int
    ) -> None:
        """Of micro-batch `index`; `num_blocks` blocks of the GPU attend."""
        self._config = config
        self._random = np.random.default_rng((config.seed, index))
        self.lengths = self._random.integers(config.shortest, config.longest, config.batch)
        # Pages that all sequences together need at most: their mean, and room for its deviation.
        width = -(-config.longest // PAGE_SIZE) + 1
        self.num_pages = config.batch * (config.context // PAGE_SIZE + 1) + 8 * width
        self._free = list(self._random.permutation(self.num_pages))
        self._table = np.zeros((config.batch, width), np.int32)
        for row, length in enumerate(self.lengths):
            self._extend(row, 0, length)
        self.tile_map = TileMap.allocate(config.batch, device, num_blocks)
        self.block_table = torch.zeros(self._table.shape, dtype=torch.int32, device=device)
        self.positions = torch.zeros(config.batch, dtype=torch.int32, device=device)
        self.num_replaced = 0

    def _extend(self, row: int, before: int, after: int) -> None:
        for page in range(-(-before // PAGE_SIZE), -(-after // PAGE_SIZE)):
            self._table[row, page] = self._free.pop()

    def pages(self, row: int, length: int) -> np.ndarray:
        """The pages of a sequence of that many tokens."""
        return self._table[row, : -(-length // PAGE_SIZE)].astype(np.int64)

    def advance(self) -> None:
        """One token more for each; what is finished is replaced, its pages are used again."""
        for row, length in enumerate(self.lengths):
            if length >= self._config.longest:
                used = -(-length // PAGE_SIZE)
                kept = -(-self._config.shortest // PAGE_SIZE)
                self._free.extend(self._table[row, kept:used])
                self.lengths[row] = self._config.shortest
                self.num_replaced += 1
            self._extend(row, self.lengths[row], self.lengths[row] + 1)
            self.lengths[row] += 1

    @property
    def planned(self) -> list[Tensor]:
        """What a plan fills, in the order of `prepare`: all of it, where that gives a beginning."""
        made = self.tile_map
        return [
            made.records, made.block_begin, made.lengths, self.block_table, self.positions,
        ]  # fmt: skip

    def prepare(self) -> list[tuple[Tensor, Tensor]]:
        """Tensors of the GPU, and pinned ones with what they should hold in the next step."""
        return [(target, source.pin_memory()) for target, source in self.plan()]

    def plan(self) -> list[tuple[Tensor, Tensor]]:
        """The same, not pinned."""
        lengths = self.lengths.tolist()
        return [
            *self.tile_map.plan(lengths),
            (self.block_table, torch.from_numpy(self._table.copy())),
            (self.positions, torch.tensor(lengths, dtype=torch.int32) - 1),
        ]
