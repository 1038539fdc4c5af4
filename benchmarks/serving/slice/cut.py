"""How an FFN GPU's work is cut, and which kernels a run needs; known without a GPU."""

import math

from benchmarks.serving.slice.config import NUM_FFN, SliceConfig
from regard.serving.kernels.block_scaled.build import round_up_rows
from regard.serving.kernels.block_scaled.experts import Cut

SPARE_BLOCKS = 4
"""Multiprocessors left to what waits for the wire, and takes in what arrived."""
NUM_PARTS = 3
DEVIATIONS = 3
"""Standard deviations above the mean tokens of an expert: more take another pass."""


def rows_for(mean: float) -> int:
    """Rows that pass by a tile at most, where an expert has so many tokens on average."""
    return round_up_rows(math.ceil(mean + DEVIATIONS * mean**0.5))


def cut_for(mean: float, num_tiles: int, num_blocks: int) -> Cut:
    """The cut that keeps all multiprocessors at work.

    Args:
        mean: Tokens of an expert on average.
        num_tiles: Tiles of all down projections.
        num_blocks: The GPU's multiprocessors.
    """
    clusters = (num_blocks - SPARE_BLOCKS) // 2
    return Cut(
        rows=rows_for(mean),
        num_whole=num_tiles // clusters * clusters,
        num_splits=NUM_PARTS,
        spare_blocks=SPARE_BLOCKS,
    )


def builds(config: SliceConfig) -> set[int]:
    """Arguments of `block_scaled.build.library` for all that a run launches."""
    return {round_up_rows(config.batch), rows_for(config.num_tokens / NUM_FFN)}
