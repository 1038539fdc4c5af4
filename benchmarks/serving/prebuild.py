"""Builds what a slice launches where there is nvcc, so that a machine with GPUs need not."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.cut import builds
from regard.common.progress import progress_bar
from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.native import cache_directory


def main(argv: Sequence[str] | None = None) -> int:
    """Build for each batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 160])
    options = parser.parse_args(argv)
    needed = {rows for batch in options.batches for rows in builds(SliceConfig(batch=batch))}
    with progress_bar("building", total=len(needed)) as advance:
        for rows in sorted(needed):
            build.library(rows)
            advance(1)
    print(f"{len(needed)} libraries in {cache_directory()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
