"""One seed from which every random source of a run derives."""

from __future__ import annotations

import hashlib
import random

import numpy as np

MAX_SEED = 2**63 - 1


def derive_seed(seed: int, *names: str | int) -> int:
    """A seed for one named part of a run, independent of the seeds of all other names.

    Args:
        seed: The seed of the whole run.
        names: What the part is called, outermost first: `derive_seed(0, "prompts", 3)`.

    Returns:
        A number from 0 to 2^63 - 1, the same on every machine and Python.
    """
    text = "\x1f".join([repr(seed), *map(repr, names)])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") & MAX_SEED


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for one named part of a run."""
    return np.random.default_rng(derive_seed(seed, *names))


def python_generator(seed: int, *names: str | int) -> random.Random:
    """A generator of the standard library for one named part of a run."""
    return random.Random(derive_seed(seed, *names))
