"""The oracle's search for a fold: plain arcs first, then around the best of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from regard.cloth.envs.episode import Snapshot
from regard.cloth.envs.observation import Observation
from regard.cloth.nmpc import plans
from regard.cloth.nmpc.cross_entropy import SearchConfig, minimise
from regard.cloth.nmpc.plans import FoldPlan
from regard.cloth.nmpc.rehearsal import Actions, Outcome, Rehearsal
from regard.cloth.tasks import FoldTask

HOPELESS_DRIFT = 1.5
"""Share of the allowed drift of the base beyond which no later pick makes up for it."""


@dataclass(frozen=True, kw_only=True)
class FoldSearchConfig:
    """How hard folds are searched for."""

    heights: tuple[float, ...] = (0.45, 0.55, 0.36)
    """Of the plain folding arcs, in edges of the cloth."""

    overshoots: tuple[float, ...] = (0.06, 0.0)
    """By which plain folding arcs pass their target, in edges of the cloth."""

    spread: tuple[float, float, float] = (0.12, 0.06, 0.04)
    """Standard deviations of the search around the best plain fold: height, x, y."""

    search: SearchConfig = SearchConfig(population=12, elites=4, rounds=4)
    """Search around the best plain fold when none succeeds."""


class FoldSearch:
    """Simulates whole folds until one succeeds."""

    def __init__(
        self, rehearsal: Rehearsal, config: FoldSearchConfig, rng: np.random.Generator
    ) -> None:
        """Where, how hard, and with which chance."""
        self._rehearsal, self._config, self._rng = rehearsal, config, rng

    def find(self, start: Snapshot, observation: Observation) -> Actions:
        """The actions of the first fold that succeeds, else of the best."""
        config = self._config
        task = self._rehearsal.env.task
        assert isinstance(task, FoldTask)
        outcomes: list[tuple[FoldPlan, Outcome]] = []

        def try_plan(plan: FoldPlan) -> float:
            outcome = self._simulate(plan, start, observation)
            outcomes.append((plan, outcome))
            return outcome.cost

        orders = plans.GRASP_ORDERS[task.fold]
        for plan in plans.usual_folds(task.fold, orders, config.heights, config.overshoots):
            if try_plan(plan) <= 0:
                return outcomes[-1][1].actions
        best, outcome = min(outcomes, key=lambda each: each[1].cost)
        minimise(
            lambda leads: try_plan(FoldPlan(best.fold, best.grasps, leads.reshape(-1, 3))),
            best.leads.ravel(),
            np.tile(config.spread, len(best.grasps)),
            rng=self._rng,
            config=config.search,
            mean_cost=outcome.cost,
            good_enough=0.0,
        )
        return min(outcomes, key=lambda each: each[1].cost)[1].actions

    def _simulate(self, plan: FoldPlan, start: Snapshot, observation: Observation) -> Outcome:
        env = self._rehearsal.env
        self._rehearsal.begin(start)
        actions: Actions = []
        num_picks = 0
        while not (env.episode.is_over or env.episode.judgement.is_success):
            pick = plan.next_pick(self._rehearsal.true_points(), num_picks)
            if pick is None:
                break
            observation = self._rehearsal.carry_out(pick, observation, actions)
            num_picks += 1
            if self._drift_share() > HOPELESS_DRIFT:
                break
        if env.episode.judgement.is_success:
            observation = self._rehearsal.rest(observation, actions)
        return Outcome(actions, env.snapshot(), observation, self._cost())

    def _drift_share(self) -> float:
        """The base's drift, as a share of the most that is allowed."""
        episode, task = self._rehearsal.env.episode, self._rehearsal.env.task
        assert isinstance(task, FoldTask)
        allowed = task.criteria.base_drift * episode.conditions.properties.size
        return episode.judgement.figures["base_drift"] / allowed

    def _cost(self) -> float:
        """0 for a success, else by how much the criteria are missed, as shares of them."""
        episode = self._rehearsal.env.episode
        if episode.diverged:
            return np.inf
        if episode.judgement.is_success:
            return 0.0
        task = self._rehearsal.env.task
        assert isinstance(task, FoldTask)
        size = episode.conditions.properties.size
        figures = episode.judgement.figures
        limits: dict[str, float] = asdict(task.criteria)
        return sum(max(0.0, figures[name] / (limit * size) - 1) for name, limit in limits.items())
