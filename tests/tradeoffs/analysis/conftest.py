"""Blocks and answers with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tradeoffs.data_sets import DataSets
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.layout import Block

Drawn = tuple[Block, Answers]


@pytest.fixture
def graded() -> Drawn:
    """Ten wordings whose thresholds differ about 5."""
    sets = DataSets(num_wordings=10, runs=5, slope=1.0, threshold_sd=1.0)
    block = sets.block()
    return block, sets.draw(block, np.random.default_rng(3))


@pytest.fixture
def step() -> Drawn:
    """Ten wordings that all turn between level 5 and 6."""
    sets = DataSets(num_wordings=10, runs=5, slope=200.0, threshold=5.5)
    block = sets.block()
    return block, sets.draw(block, np.random.default_rng(3))


@pytest.fixture
def coin() -> Drawn:
    """Ten wordings whose cells all say exactly one half, as labels that were not listed do."""
    sets = DataSets(num_wordings=10, runs=2, slope=1.0)
    block = sets.block()
    answers = sets.draw(block, np.random.default_rng(3))
    answers.successes[:] = answers.trials / 2
    return block, answers
