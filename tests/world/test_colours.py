"""The colours of objects."""

import itertools

import numpy as np

from regard.world.colours import COLOURS


def test_colours_are_opaque_and_can_be_told_apart() -> None:
    assert all(len(rgba) == 4 and rgba[3] == 1.0 for rgba in COLOURS.values())
    for first, second in itertools.combinations(COLOURS.values(), 2):
        assert np.linalg.norm(np.subtract(first, second)) > 0.08
