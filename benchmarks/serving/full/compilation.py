"""Compiles what a case's products need, all at once: one after the other would take minutes."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.block_scaled.launch import Launch


def builds_of(launches: Iterable[Launch]) -> set[int]:
    """The builds that launches need, by their rows."""
    return {each.rows for each in launches}


def compile_builds(wanted: set[int]) -> None:
    """Those that are not there yet; each compiler is a process of its own."""
    if wanted:
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(build.library, sorted(wanted)))
