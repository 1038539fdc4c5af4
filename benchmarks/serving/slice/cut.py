"""How the FFN GPU's work is cut, and which kernels a run needs; known without a GPU."""

from benchmarks.serving.slice.config import NUM_FFN, SliceConfig
from regard.serving.kernels.block_scaled.build import round_up_rows
from regard.serving.kernels.block_scaled.experts import Cut

SPARE_BLOCKS = 4
"""Multiprocessors left to what waits for the wire."""
NUM_PARTS = 3
ROOM = 64
"""Tokens above the mean that an expert of the busiest GPU seldom has; more take another pass."""


def cut_of(config: SliceConfig, num_clusters: int) -> Cut:
    """For so many tokens and pairs of blocks."""
    return Cut(
        rows=round_up_rows(config.num_tokens // NUM_FFN + ROOM),
        num_whole=num_clusters,
        num_splits=NUM_PARTS,
        spare_blocks=SPARE_BLOCKS,
    )


def builds(config: SliceConfig) -> set[int]:
    """Arguments of `block_scaled.build.library` for all that a run launches."""
    return {round_up_rows(config.batch), cut_of(config, 1).rows}
