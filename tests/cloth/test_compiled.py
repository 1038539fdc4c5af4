"""Compiled functions compute what they compute in Python."""

import numpy as np

from regard.cloth import mesh, metrics


def test_the_compiled_raster_counts_as_the_python_one():
    plane = np.random.default_rng(0).uniform(0, 32, (25, 2))
    faces = mesh.triangles(5)
    fast = metrics.covered_cells(plane, faces, 32)
    assert fast == metrics.covered_cells.py_func(plane, faces, 32)
    assert fast > 100
