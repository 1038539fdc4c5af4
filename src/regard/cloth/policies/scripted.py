"""Folding and spreading by fixed rules, with or without the noise of an unsteady hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regard.cloth import mesh, metrics
from regard.cloth.envs import observation as observing
from regard.cloth.envs.actions import GRASP_GRID, NO_ACTION, NUM_GRASPS, grasp_coordinates
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.observation import OBSERVED_GRID, Observation, Seen
from regard.cloth.frame import fitted_frame
from regard.cloth.mesh import Array
from regard.cloth.policies.pick import Pick, PickFollower

FOLD_HEIGHT = 0.45
"""Height of an arc that folds, in edges of the cloth."""
AXIS_OVERSHOOT = 0.06
"""How far beyond its partner each corner is first led in a fold over an axis, in edges of the
cloth: the corner that is still down holds the folded one back."""
CORRECTION_HEIGHT = 0.25
"""Height of an arc that mends a fold."""
MENDED_DISTANCE = 0.1
"""A folded corner this near its partner is left alone."""
MAX_FOLD_PICKS = 4
"""Picks of one fold."""
DRAG_HEIGHT = 0.12
"""Height of an arc that spreads the cloth."""
OVERSHOOT = 1.15
"""How far a point is dragged, in distances from where it belongs."""
FLAT_ENOUGH = 0.96
"""A coverage, as seen, beyond which spreading ends."""
MAX_FLATTEN_PICKS = 10
"""Picks of one flattening."""
FIRST_CORNER, SECOND_CORNER = 0, GRASP_GRID - 1
"""The graspable points at the corners of the half that is folded over an axis."""


class ScriptedPolicy:
    """Chooses picks by rules and carries them out."""

    def __init__(self, noise: float = 0.0) -> None:
        """Makes the policy.

        Args:
            noise: Standard deviation of each target and height, in edges of the cloth. A noisy
                script stands in for a person's demonstrations; it is not human data.
        """
        self._noise = noise

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Takes the rules of the environment's task."""
        self._choose = RULES[env.task.name]
        self._rng = np.random.default_rng(seed)
        self._num_picks = 0
        self._follower: PickFollower | None = None

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next action of the present pick, or of the next one."""
        seen = observing.read(observation)
        if self._follower is None or self._follower.is_done:
            pick = self._choose(seen, self._num_picks)
            if pick is None:
                return NO_ACTION.copy()
            self._num_picks += 1
            self._follower = PickFollower(self._unsteady(pick))
        return self._follower.act(seen)

    def _unsteady(self, pick: Pick) -> Pick:
        dx, dy, dz = self._rng.normal(0.0, self._noise, 3) if self._noise else (0.0, 0.0, 0.0)
        x, y = pick.target
        height = max(0.02, pick.height + dz)
        return Pick(grasp=pick.grasp, target=(x + dx, y + dy), height=height)


def fold_diagonal(seen: Seen, num_picks: int) -> Pick | None:
    """Leads a corner over to the opposite one, and mends what is left."""
    distance = np.linalg.norm(seen.points[0, :2] - seen.points[-1, :2])
    if num_picks and (distance <= MENDED_DISTANCE or num_picks >= MAX_FOLD_PICKS):
        return None
    return _fold(seen, FIRST_CORNER, OBSERVED_GRID**2 - 1, is_first=num_picks == 0)


def fold_axis(seen: Seen, num_picks: int) -> Pick | None:
    """Leads two corners over in turn, then mends the worse one."""
    partners = {
        FIRST_CORNER: OBSERVED_GRID * (OBSERVED_GRID - 1),
        SECOND_CORNER: OBSERVED_GRID**2 - 1,
    }
    if num_picks < len(partners):
        grasp = (FIRST_CORNER, SECOND_CORNER)[num_picks]
        pick = _fold(seen, grasp, partners[grasp], is_first=True)
        x, y = pick.target
        return replace(pick, target=(x + AXIS_OVERSHOOT, y))
    corner = {FIRST_CORNER: 0, SECOND_CORNER: OBSERVED_GRID - 1}
    apart = {
        grasp: float(np.linalg.norm(seen.points[corner[grasp], :2] - seen.points[partner, :2]))
        for grasp, partner in partners.items()
    }
    worst = max(apart, key=apart.__getitem__)
    if apart[worst] <= MENDED_DISTANCE or num_picks >= MAX_FOLD_PICKS:
        return None
    return _fold(seen, worst, partners[worst], is_first=False)


def flatten(seen: Seen, num_picks: int) -> Pick | None:
    """Drags the point that lies farthest from where it belongs in the flat cloth."""
    if num_picks >= MAX_FLATTEN_PICKS or metrics.coverage(seen.points, 1.0) >= FLAT_ENOUGH:
        return None
    wanted = flat_places(seen.points)
    present = seen.points[mesh.subgrid(OBSERVED_GRID, GRASP_GRID)]
    away = wanted - present
    grasp = int(np.linalg.norm(away[:, :2], axis=1).argmax())
    target = present[grasp] + away[grasp] * OVERSHOOT
    return Pick(grasp=grasp, target=(target[0], target[1]), height=DRAG_HEIGHT)


def flat_places(points: Array) -> Array:
    """Where the graspable points belong if the cloth were flat, as near as can be to `points`.

    Args:
        points: Seen points in edges of the cloth, shape (NUM_POINTS, 3).

    Returns:
        Shape (NUM_GRASPS, 3).
    """
    plane = np.concatenate([grasp_coordinates() - 0.5, np.zeros((NUM_GRASPS, 1))], axis=1)
    return fitted_frame(points, 1.0).to_table(plane)


def _fold(seen: Seen, grasp: int, partner: int, *, is_first: bool) -> Pick:
    x, y = seen.points[partner, :2]
    height = FOLD_HEIGHT if is_first else CORRECTION_HEIGHT
    return Pick(grasp=grasp, target=(float(x), float(y)), height=height)


RULES: dict[str, Callable[[Seen, int], Pick | None]] = {
    "fold-diagonal": fold_diagonal,
    "fold-axis": fold_axis,
    "flatten": flatten,
}
"""The next pick of each task, from what is seen and the number of picks before; None to end."""
