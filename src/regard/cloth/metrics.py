"""The field's figures for folded and flattened cloth."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np

from regard.cloth import mesh
from regard.cloth.compiled import compiled
from regard.cloth.mesh import Array, IntArray

Fold = Literal["diagonal", "axis"]
DRIFT_WEIGHT = 1.2
"""SoftGym's weight of the base's drift in a fold's performance."""
RASTER_CELLS = 128
"""Cells along one edge of the raster on which coverage is counted, two cloth sizes wide."""


class FoldMap(NamedTuple):
    """Which vertex comes to lie on which."""

    moving: IntArray
    """Vertices of the half that is folded over; those on the crease are in neither half."""

    base: IntArray
    """Their mirror images, in the same order."""

    corner_pairs: IntArray
    """Rows of `moving` that are corners of the cloth."""

    edge_pairs: IntArray
    """Rows of `moving` on the cloth's boundary."""


@cache
def fold_map(fold: Fold, resolution: int) -> FoldMap:
    """The halves of a fold over the anti-diagonal, or over the middle parallel to an edge.

    The folded half is the one with the corner of material coordinates (0, 0).
    """
    number = np.arange(resolution**2).reshape(resolution, resolution)
    i, j = np.indices(number.shape)
    last = resolution - 1
    if fold == "diagonal":
        is_moving, mirror = i + j < last, number[::-1, ::-1].T
    else:
        is_moving, mirror = 2 * i < last, number[::-1]
    is_corner = np.isin(i, (0, last)) & np.isin(j, (0, last))
    is_edge = np.isin(i, (0, last)) | np.isin(j, (0, last))
    return FoldMap(
        moving=number[is_moving],
        base=mirror[is_moving],
        corner_pairs=np.flatnonzero(is_corner[is_moving]),
        edge_pairs=np.flatnonzero(is_edge[is_moving]),
    )


class FoldFigures(NamedTuple):
    """How good a fold is; all lengths in metres."""

    fold_distance: float
    """Mean distance of the folded half's vertices from their mirror images."""

    base_drift: float
    """Mean distance of the resting half from where it lay at the start."""

    corner_distance: float
    """Largest distance between two corners that belong together."""

    edge_distance: float
    """Mean distance between boundary vertices that belong together. For the diagonal this is half
    of DMfD's |left - top| + |right - bottom|."""

    performance: float
    """SoftGym's: -(fold_distance + 1.2 base_drift)."""


def fold_figures(fold: Fold, positions: Array, start: Array) -> FoldFigures:
    """Figures of a fold.

    Args:
        fold: Which fold.
        positions: Vertices now, shape (n^2, 3).
        start: Vertices at the start of the episode, same shape.
    """
    pairs = fold_map(fold, round(len(positions) ** 0.5))
    apart = np.linalg.norm(positions[pairs.moving] - positions[pairs.base], axis=1)
    drift = np.linalg.norm(positions[pairs.base] - start[pairs.base], axis=1)
    distance, base_drift = float(apart.mean()), float(drift.mean())
    return FoldFigures(
        fold_distance=distance,
        base_drift=base_drift,
        corner_distance=float(apart[pairs.corner_pairs].max()),
        edge_distance=float(apart[pairs.edge_pairs].mean()),
        performance=-(distance + DRIFT_WEIGHT * base_drift),
    )


def normalized_performance(performance: float, start: float, best: float) -> float:
    """SoftGym's normalisation: 0 at the start of the episode, 1 at the best there is."""
    return (performance - start) / (best - start)


def coverage(positions: Array, size: float) -> float:
    """Share of the flat cloth's area that the cloth covers, seen from above.

    The triangles are counted on a raster, two cloth sizes wide around the cloth's centre; what
    lies outside is not counted. SoftGym counts discs around its particles in the same way; on a
    coarse mesh triangles are exact where discs leave holes.

    Args:
        positions: Vertices, shape (n^2, 3).
        size: Edge of the flat cloth [m].
    """
    resolution = round(len(positions) ** 0.5)
    cell = 2 * size / RASTER_CELLS
    centre = (positions[:, :2].min(axis=0) + positions[:, :2].max(axis=0)) / 2
    plane = (positions[:, :2] - centre) / cell + RASTER_CELLS / 2
    covered = covered_cells(plane, mesh.triangles(resolution), RASTER_CELLS)
    return float(covered * cell**2 / size**2)


@compiled
def covered_cells(plane: Array, faces: IntArray, cells: int) -> int:
    """Number of raster cells whose centre lies in a triangle.

    Args:
        plane: Vertices in cells, shape (n, 2).
        faces: Vertex numbers of the triangles, shape (m, 3).
        cells: Cells along one edge of the raster.
    """
    raster = np.zeros((cells, cells), np.uint8)
    for face in range(faces.shape[0]):
        ax, ay = plane[faces[face, 0], 0], plane[faces[face, 0], 1]
        bx, by = plane[faces[face, 1], 0], plane[faces[face, 1], 1]
        cx, cy = plane[faces[face, 2], 0], plane[faces[face, 2], 1]
        low_x = max(0, int(np.floor(min(ax, bx, cx))))
        low_y = max(0, int(np.floor(min(ay, by, cy))))
        high_x = min(cells - 1, int(np.ceil(max(ax, bx, cx))))
        high_y = min(cells - 1, int(np.ceil(max(ay, by, cy))))
        for x in range(low_x, high_x + 1):
            for y in range(low_y, high_y + 1):
                px, py = x + 0.5, y + 0.5
                ab = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
                bc = (cx - bx) * (py - by) - (cy - by) * (px - bx)
                ca = (ax - cx) * (py - cy) - (ay - cy) * (px - cx)
                is_left = ab >= 0.0 and bc >= 0.0 and ca >= 0.0
                is_right = ab <= 0.0 and bc <= 0.0 and ca <= 0.0
                if is_left or is_right:
                    raster[x, y] = 1
    return int(raster.sum())
