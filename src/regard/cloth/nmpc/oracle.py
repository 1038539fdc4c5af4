"""A planner that knows everything: it searches on the plant itself, noise and chance included.

It is no controller but a measure of the task: what it cannot do, within the picks and the
horizon, nobody should be asked to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.cloth.envs.actions import NO_ACTION
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.observation import Observation
from regard.cloth.nmpc.drag_search import DragSearch, DragSearchConfig
from regard.cloth.nmpc.fold_search import FoldSearch, FoldSearchConfig
from regard.cloth.nmpc.rehearsal import Rehearsal
from regard.cloth.tasks import FoldTask


@dataclass(frozen=True, kw_only=True)
class OracleConfig:
    """How hard the oracle tries."""

    folds: FoldSearchConfig = FoldSearchConfig()
    """To fold."""

    drags: DragSearchConfig = DragSearchConfig()
    """To flatten."""


class OraclePolicy:
    """Simulates candidate plans on the plant until one succeeds, then carries it out."""

    def __init__(self, config: OracleConfig = OracleConfig()) -> None:  # noqa: B008
        self._config = config

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Keeps hold of the plant."""
        self._env = env
        self._rehearsal = Rehearsal(env)
        rng, config = np.random.default_rng(seed), self._config
        self._search: FoldSearch | DragSearch
        if isinstance(env.task, FoldTask):
            self._search = FoldSearch(self._rehearsal, config.folds, rng)
        else:
            self._search = DragSearch(self._rehearsal, config.drags, rng)
        self._actions: Iterator[NDArray[np.float32]] | None = None

    @property
    def num_rollouts(self) -> int:
        """Since the episode began."""
        return self._rehearsal.num_rollouts

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next action of the plan that was found at the first call."""
        if self._actions is None:
            render_mode, self._env.render_mode = self._env.render_mode, None
            start = self._env.snapshot()
            self._actions = iter(self._search.find(start, observation))
            self._env.restore(start)
            self._env.render_mode = render_mode
        return next(self._actions, NO_ACTION.copy())
