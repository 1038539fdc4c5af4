"""The plan of one step as tensors on the device, and room for the parts of split sequences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from regard.serving.kernels.mfa_decode.plan import Plan, make_plan

PAGE_SIZE = 64
# Sequence, first page, pages, tokens from the first page on, the sequence's first part or -1, this
# part * 65536 + number of parts, and padding.
RECORD_SIZE = 8


@dataclass(frozen=True)
class TileMap:
    """All layers of a step share one map; its tensors keep their places, so that graphs may."""

    num_sequences: int
    """Sequences in the batch."""

    num_blocks: int
    """Blocks of the GPU that share the work: its multiprocessors."""

    lengths: Tensor
    """(num_sequences,) int32: tokens of each sequence."""

    records: Tensor
    """(num_sequences + num_blocks + 1, 8) int32: pieces, block by block."""

    block_begin: Tensor
    """(num_blocks + 1,) int32: block b works off records block_begin[b] to block_begin[b + 1]."""

    parts: Tensor
    """(num_sequences + num_blocks, 64, 256) bfloat16: results of parts before the merge."""

    part_weights: Tensor
    """(num_sequences + num_blocks, 2, 64) float32: their log2 sums of exponentials, twice."""

    arrived: Tensor
    """(num_sequences, 2) int32: parts written so far, by either half; 0 between two launches."""

    @staticmethod
    def allocate(
        num_sequences: int, device: torch.device, num_blocks: int | None = None
    ) -> "TileMap":
        """A map to be filled; `num_blocks` is the number of the device's multiprocessors."""
        if num_blocks is None:
            num_blocks = _num_multiprocessors(device)
        most = num_sequences + num_blocks

        def integers(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.int32, device=device)

        return TileMap(
            num_sequences=num_sequences,
            num_blocks=num_blocks,
            lengths=integers(num_sequences),
            records=integers(most + 1, RECORD_SIZE),
            block_begin=integers(num_blocks + 1),
            parts=torch.empty(most, 64, 256, dtype=torch.bfloat16, device=device),
            part_weights=torch.empty(most, 2, 64, dtype=torch.float32, device=device),
            arrived=integers(num_sequences, 2),
        )

    @staticmethod
    def make(
        lengths: Sequence[int], device: torch.device, num_blocks: int | None = None
    ) -> "TileMap":
        """A map of sequences of these lengths."""
        tile_map = TileMap.allocate(len(lengths), device, num_blocks)
        tile_map.fill(lengths)
        return tile_map

    def fill(self, lengths: Sequence[int]) -> None:
        """Plans anew for these lengths, in place.

        Raises:
            ValueError: Another number of sequences than the map was made for, or an empty one.
        """
        for target, source in self.plan(lengths):
            target.copy_(source)

    def plan(self, lengths: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        """What `fill` copies, for a caller who copies it when the GPU gets there.

        Returns:
            Parts of this map, and tensors of the host with what they should hold.

        Raises:
            ValueError: As of `fill`.
        """
        if len(lengths) != self.num_sequences:
            raise ValueError(f"{len(lengths)} lengths for a map of {self.num_sequences} sequences")
        if min(lengths) < 1:
            raise ValueError(f"a sequence of {min(lengths)} tokens; each needs at least 1")
        plan = make_plan([-(-length // PAGE_SIZE) for length in lengths], self.num_blocks)
        records, block_begin = _records(plan, lengths)
        return [
            (self.records[: len(records)], torch.from_numpy(records)),
            (self.block_begin, torch.tensor(block_begin, dtype=torch.int32)),
            (self.lengths, torch.tensor(lengths, dtype=torch.int32)),
        ]


def _records(plan: Plan, lengths: Sequence[int]) -> tuple[np.ndarray, list[int]]:
    """The pieces as rows, and where each block's begin; parts are numbered by their first page."""
    pieces = [piece for block in plan.blocks for piece in block]
    number = {}
    next_part = list(plan.part_begin)
    for piece in sorted(pieces):
        number[piece] = next_part[piece.sequence]
        next_part[piece.sequence] += 1
    rows = np.zeros((len(pieces), RECORD_SIZE), np.int32)
    for row, piece in zip(rows, pieces, strict=True):
        begin, end = plan.part_begin[piece.sequence : piece.sequence + 2]
        left = lengths[piece.sequence] - piece.first_page * PAGE_SIZE
        parts = (begin, (number[piece] - begin) << 16 | (end - begin)) if end > begin else (-1, 0)
        row[:6] = (*piece, left, *parts)
    block_begin = np.cumsum([0, *map(len, plan.blocks)])
    return rows, block_begin.tolist()


def _num_multiprocessors(device: torch.device) -> int:
    if torch.device(device).type != "cuda":
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
