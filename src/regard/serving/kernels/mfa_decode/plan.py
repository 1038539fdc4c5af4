"""Which block of the GPU attends over which pages of which sequence, so that all end together."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# In pages that a block could read meanwhile: what each piece costs its block (query in, join, out),
# and what each part of a split sequence costs all blocks (written, read again, merged).
PIECE_COST = 6
PART_COST = 1 / 32
# A block whose neighbours are done reads a page in this share of the usual time.
ALONE = 0.85
# Shorter pieces of a split sequence are not worth their cost.
MIN_PAGES = 8
# How far above the even share a block's load may go.
SLACK = 1 / 4


class Piece(NamedTuple):
    """Pages `first_page` to `first_page + num_pages` of one sequence."""

    sequence: int
    first_page: int
    num_pages: int


@dataclass(frozen=True)
class Plan:
    """The pieces of every block, and where the results of split sequences go."""

    blocks: list[list[Piece]]
    """One list of pieces a block, in the order of work."""

    part_begin: list[int]
    """Parts of sequence s are numbered part_begin[s] to part_begin[s + 1]; none if it is whole."""


def make_plan(num_pages: Sequence[int], num_blocks: int) -> Plan:
    """Cuts and distributes sequences of `num_pages` pages each, at least 1.

    Deterministic. There are at most `len(num_pages) + num_blocks` pieces.
    """
    limit = _best_limit(np.asarray(num_pages), num_blocks)
    while (blocks := _pack(num_pages, num_blocks, limit)) is None:
        limit += 1
    counts = [0] * len(num_pages)
    for piece in (piece for block in blocks for piece in block):
        counts[piece.sequence] += 1
    part_begin = [0]
    for count in counts:
        part_begin.append(part_begin[-1] + (count if count > 1 else 0))
    return Plan(blocks, part_begin)


def _best_limit(num_pages: np.ndarray, num_blocks: int) -> int:
    """The load that no block should exceed: the even share, or more if that saves enough parts."""
    load = int(num_pages.sum()) + PIECE_COST * len(num_pages)
    lowest = max(-(-load // num_blocks), MIN_PAGES + PIECE_COST)
    limits = np.arange(lowest, lowest + int(lowest * SLACK) + 1)
    pieces = -(-num_pages[None, :] // (limits[:, None] - PIECE_COST))
    parts = np.where(pieces > 1, pieces, 0).sum(axis=1)
    time = np.maximum(lowest, ALONE * limits) + PART_COST * parts
    best = parts[np.argmin(time)]
    return int(limits[np.argmax(parts <= best)])


def _pack(num_pages: Sequence[int], num_blocks: int, limit: int) -> list[list[Piece]] | None:
    """Whole blocks first, then the rest, longest first, each to the emptiest block."""
    whole = limit - PIECE_COST
    full: list[list[Piece]] = []
    rest: list[tuple[int, int, int]] = []
    for sequence, count in enumerate(num_pages):
        num_full = -(-count // whole) - 1
        full += [[Piece(sequence, whole * i, whole)] for i in range(num_full)]
        rest.append((whole * num_full - count, sequence, whole * num_full))
    if len(full) > num_blocks:
        return None
    open_blocks: list[list[Piece]] = [[] for _ in range(num_blocks - len(full))]
    loads = [(0, block) for block in range(len(open_blocks))]
    for negative, sequence, first in sorted(rest):
        left = -negative
        while left:
            if not loads:
                return None
            load, block = loads[0]
            take = min(left, whole - load)
            if take < min(left, MIN_PAGES):
                return None
            heapq.heapreplace(loads, (load + take + PIECE_COST, block))
            open_blocks[block].append(Piece(sequence, first, take))
            first += take
            left -= take
    return full + open_blocks
