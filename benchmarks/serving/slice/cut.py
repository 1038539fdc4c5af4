"""How the FFN GPU's work is cut, and which kernels a run needs; known without a GPU."""

from benchmarks.serving.slice.config import NUM_FFN, SliceConfig
from regard.serving.kernels.block_scaled.build import (
    DOWN,
    GATED,
    PARTS,
    QUERY,
    ROWS,
    num_stages,
    round_up_rows,
)
from regard.serving.kernels.block_scaled.experts import Cut

SPARE_BLOCKS = 4
"""Multiprocessors left to what waits for the wire."""
NUM_PARTS = 3
ROOM = 40
"""Tokens above the mean that an expert of the busiest GPU seldom has; more take another pass."""
FEWER_ROOM = 16
"""The same of which most experts have no more: they multiply fewer rows."""


def cut_of(config: SliceConfig, num_clusters: int) -> Cut:
    """For so many tokens and pairs of blocks."""
    mean = config.num_tokens // NUM_FFN
    # Routed experts take nearly two rounds of all clusters; the shared one fills up the second.
    shared = -(-config.num_tokens // ((num_clusters + 8) // 3))
    rows = round_up_rows(mean + ROOM)
    return Cut(
        rows=rows,
        shared_rows=min(round_up_rows(shared), rows),
        num_whole=num_clusters,
        num_splits=NUM_PARTS,
        spare_blocks=SPARE_BLOCKS,
        fewer_rows=round_up_rows(mean + FEWER_ROOM),
    )


def builds(config: SliceConfig, num_multiprocessors: int) -> set[tuple[int, int, int, int]]:
    """Arguments of `block_scaled.build.library` for all that a run launches."""
    clusters = (num_multiprocessors - SPARE_BLOCKS) // 2
    cut = cut_of(config, clusters)
    rows, fewer = round_up_rows(config.batch), cut.fewer_rows or cut.rows
    found = {
        *((rows, num_stages(rows, mode), ROWS[0], rows) for mode in (PARTS, QUERY)),
        *(
            (cut.rows, num_stages(cut.rows, mode), shared, fewer)
            for mode, shared in ((GATED, cut.shared_rows), (DOWN, ROWS[0]))
        ),
    }
    return found
