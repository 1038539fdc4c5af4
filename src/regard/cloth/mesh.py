"""The square grid a cloth is made of, and where its named points lie."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@cache
def material_coordinates(resolution: int) -> Array:
    """Material coordinates of all vertices, row by row.

    Args:
        resolution: Vertices along one edge.

    Returns:
        Shape (resolution^2, 2), from 0 to 1; vertex `i * resolution + j` is at (i, j).
    """
    line = np.linspace(0.0, 1.0, resolution)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    grid.setflags(write=False)
    return grid


@cache
def triangles(resolution: int) -> IntArray:
    """Triangles whose diagonals alternate from cell to cell ("union jack").

    With all diagonals in one direction the mesh is stiffer along them, and a symmetric fold comes
    out skewed.

    Returns:
        Vertex numbers, shape (2 (resolution - 1)^2, 3), counter-clockwise from above.
    """
    found = []
    for i in range(resolution - 1):
        for j in range(resolution - 1):
            a, d = i * resolution + j, i * resolution + j + 1
            b, c = a + resolution, d + resolution
            found += [(a, b, c), (a, c, d)] if (i + j) % 2 == 0 else [(a, b, d), (b, c, d)]
    array = np.array(found, dtype=np.int64)
    array.setflags(write=False)
    return array


@cache
def subgrid(resolution: int, points: int) -> IntArray:
    """Vertex numbers of an evenly spread `points` x `points` grid, row by row.

    Raises:
        ValueError: The two grids do not share their points.
    """
    if (resolution - 1) % (points - 1):
        raise ValueError(
            f"a grid of {resolution} has no {points} x {points} points among its vertices: "
            f"take a resolution of 1 more than a multiple of {points - 1}"
        )
    line = np.arange(points) * ((resolution - 1) // (points - 1))
    numbers = (line[:, None] * resolution + line[None, :]).reshape(-1)
    numbers.setflags(write=False)
    return numbers


def flat_positions(resolution: int, size: float, *, height: float = 0.0) -> Array:
    """Vertex positions of the flat cloth, centred on the origin, in metres: (vertices, 3)."""
    plane = (material_coordinates(resolution) - 0.5) * size
    return np.concatenate([plane, np.full((len(plane), 1), height)], axis=1)


def resample(positions: Array, resolution: int) -> Array:
    """Positions on a grid of another resolution, interpolated bilinearly.

    Args:
        positions: Shape (n^2, 3) for any n.
        resolution: Vertices along one edge of the result.

    Returns:
        Shape (resolution^2, 3).
    """
    source = round(len(positions) ** 0.5)
    grid = positions.reshape(source, source, 3)
    place = material_coordinates(resolution) * (source - 1)
    low = np.minimum(place.astype(np.int64), source - 2)
    u, v = (place - low).T[..., None]
    i, j = low.T
    near = grid[i, j] * (1 - v) + grid[i, j + 1] * v
    far = grid[i + 1, j] * (1 - v) + grid[i + 1, j + 1] * v
    blended: Array = near * (1 - u) + far * u
    return blended
