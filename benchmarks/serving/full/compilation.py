"""Compiles what a case's products need, all at once: one after the other would take minutes."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.block_scaled.launch import Launch

Build = tuple[int, int, int, int]
"""Rows, stages, shared rows, fewer rows: what `build.library` takes."""


def builds_of(launches: Iterable[Launch]) -> set[Build]:
    """The builds that launches need."""
    return {
        (
            each.rows,
            build.num_stages(each.rows, each.mode),
            each.shared_rows,
            each.fewer_rows,
        )
        for each in launches
    }


def compile_builds(wanted: set[Build]) -> None:
    """Those that are not there yet; each compiler is a process of its own."""
    if wanted:
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(lambda each: build.library(*each), sorted(wanted)))
