"""What the planners choose among: whole folds, and single drags that spread a cloth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from regard.cloth import mesh, metrics
from regard.cloth.envs.actions import GRASP_GRID, NUM_GRASPS
from regard.cloth.envs.observation import OBSERVED_GRID
from regard.cloth.mesh import Array
from regard.cloth.metrics import Fold
from regard.cloth.policies.pick import Pick
from regard.cloth.policies.scripted import flat_places

LEAD_SIZE = 3
"""Numbers that describe how one grasped point is led over: height, overshoot in x and y."""
MEND_HEIGHT = 0.25
"""Height of an arc that mends a fold, in edges of the cloth."""
MENDED_DISTANCE = 0.1
"""Corners that belong together and are this near are left alone, in edges of the cloth."""
MAX_MENDS = 2
"""Picks that mend a fold."""
GRASP_ORDERS: Mapping[Fold, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "diagonal": ((0,), (1, 0), (3, 0)),
        "axis": ((0, 2), (2, 0), (0,), (2,), (1,)),
    }
)
"""Which of the graspable points to lead over, and in which order."""
CORNER_ORDERS: Mapping[Fold, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {"diagonal": ((0,),), "axis": ((0, 2), (2, 0), (0,), (2,))}
)
"""Those that lead corners only. Led by the middle of an edge, a floppy cloth leaves its corners
behind, which a coarse model of springs does not show."""


@dataclass(frozen=True)
class FoldPlan:
    """Lead some points over in turn, then mend the corners that lie apart."""

    fold: Fold
    """Over which line."""

    grasps: tuple[int, ...]
    """The graspable points that are led over."""

    leads: Array
    """How each of them is led: height, overshoot in x and y; shape (grasps, LEAD_SIZE)."""

    def next_pick(self, points: Array, num_picks: int) -> Pick | None:
        """The next pick; None when the fold is done.

        Args:
            points: The cloth's observed points in its frame, shape (NUM_POINTS, 3).
            num_picks: Picks before this one.
        """
        if num_picks < len(self.grasps):
            grasp = self.grasps[num_picks]
            height, dx, dy = self.leads[num_picks]
            x, y = points[partner_of(self.fold, grasp), :2]
            return Pick(grasp=grasp, target=(x + dx, y + dy), height=max(0.02, float(height)))
        if num_picks >= len(self.grasps) + MAX_MENDS:
            return None
        return mending_pick(self.fold, points)


def partner_of(fold: Fold, grasp: int) -> int:
    """The observed point on which a graspable point comes to lie."""
    pairs = metrics.fold_map(fold, OBSERVED_GRID)
    point = mesh.subgrid(OBSERVED_GRID, GRASP_GRID)[grasp]
    return int(pairs.base[np.flatnonzero(pairs.moving == point)[0]])


def mending_pick(fold: Fold, points: Array) -> Pick | None:
    """Leads the corner farthest from its partner there; None when all are near."""
    pairs = metrics.fold_map(fold, OBSERVED_GRID)
    moving, base = pairs.moving[pairs.corner_pairs], pairs.base[pairs.corner_pairs]
    apart = np.linalg.norm(points[moving, :2] - points[base, :2], axis=1)
    worst = int(apart.argmax())
    if apart[worst] <= MENDED_DISTANCE:
        return None
    grasp = int(np.flatnonzero(mesh.subgrid(OBSERVED_GRID, GRASP_GRID) == moving[worst])[0])
    x, y = points[base[worst], :2]
    return Pick(grasp=grasp, target=(x, y), height=MEND_HEIGHT)


def open_orders(
    fold: Fold, points: Array, distance: float = MENDED_DISTANCE
) -> list[tuple[int, ...]]:
    """Those of `CORNER_ORDERS` whose corners all still lie apart from their partners.

    Args:
        fold: Over which line.
        points: The cloth's observed points in its frame, shape (NUM_POINTS, 3).
        distance: From here on two corners lie apart, in edges of the cloth.
    """

    def is_apart(grasp: int) -> bool:
        return way(fold, grasp, points) > distance

    return [order for order in CORNER_ORDERS[fold] if all(map(is_apart, order))]


def way(fold: Fold, grasp: int, points: Array) -> float:
    """Horizontal distance of a graspable point from the point on which it is to lie.

    Args:
        fold: Over which line.
        grasp: The graspable point.
        points: The cloth's observed points in its frame, shape (NUM_POINTS, 3).
    """
    corner = mesh.subgrid(OBSERVED_GRID, GRASP_GRID)[grasp]
    away = points[corner, :2] - points[partner_of(fold, grasp), :2]
    return float(np.linalg.norm(away))


def usual_folds(
    fold: Fold,
    orders: Sequence[tuple[int, ...]],
    heights: Sequence[float],
    overshoots: Sequence[float],
) -> list[FoldPlan]:
    """Folds by plain arcs: every height and overshoot, each by every order of grasps."""
    across = np.array([1.0, 1.0]) / 2**0.5 if fold == "diagonal" else np.array([1.0, 0.0])
    plans = []
    for height in heights:
        for overshoot in overshoots:
            lead = np.array([height, *(overshoot * across)])
            for grasps in orders:
                plans.append(FoldPlan(fold, grasps, np.tile(lead, (len(grasps), 1))))
    return plans


def usual_drags(points: Array, *, height: float, overshoot: float) -> list[Pick]:
    """Drags of every graspable point to its place in the flat cloth, the farthest first.

    Args:
        points: The cloth's observed points in its frame, shape (NUM_POINTS, 3).
        height: Of the arcs, in edges of the cloth.
        overshoot: How far each is dragged, in distances from where it belongs.
    """
    present = points[mesh.subgrid(OBSERVED_GRID, GRASP_GRID)]
    away = (flat_places(points) - present)[:, :2]
    targets = present[:, :2] + away * overshoot
    order = np.argsort(-np.linalg.norm(away, axis=1))
    return [
        Pick(grasp=int(grasp), target=(targets[grasp, 0], targets[grasp, 1]), height=height)
        for grasp in order
    ]


def random_drag(points: Array, rng: np.random.Generator) -> Pick:
    """A drag of any graspable point, low or high: past its place, or in any direction."""
    grasp = int(rng.integers(NUM_GRASPS))
    present = points[mesh.subgrid(OBSERVED_GRID, GRASP_GRID)[grasp], :2]
    if rng.random() < 0.5:
        away = (flat_places(points)[grasp, :2] - present) * rng.uniform(0.8, 1.8)
    else:
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 1.0)
        away = distance * np.array([np.cos(angle), np.sin(angle)])
    height = float(np.exp(rng.uniform(np.log(0.05), np.log(0.8))))
    x, y = present + away
    return Pick(grasp=grasp, target=(x, y), height=height)


def drag_of(grasp: int, numbers: Array) -> Pick:
    """The drag of a point described by its height and its target's x and y, shape (3,)."""
    height, x, y = (float(number) for number in numbers)
    return Pick(grasp=grasp, target=(x, y), height=max(0.02, height))
