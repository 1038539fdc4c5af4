"""The oracle's search for a flattening: drag after drag, at first the best of its time alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.cloth.envs.episode import Snapshot
from regard.cloth.envs.observation import Observation
from regard.cloth.nmpc import plans
from regard.cloth.nmpc.cross_entropy import SearchConfig, minimise
from regard.cloth.nmpc.promise import most_promising
from regard.cloth.nmpc.rehearsal import Actions, Outcome, Rehearsal
from regard.cloth.policies.pick import Pick
from regard.cloth.tasks import FlattenTask


@dataclass(frozen=True, kw_only=True)
class DragSearchConfig:
    """How hard drags are searched for."""

    height: float = 0.12
    """Of a drag that spreads the cloth, in edges of the cloth."""

    overshoot: float = 1.15
    """How far points are dragged, in distances from where they belong."""

    random_drags: int = 71
    """Drags at random that are considered beside the usual ones."""

    tried_drags: int = 16
    """Drags, of those considered, that are tried on the plant."""

    spread: tuple[float, float, float] = (0.12, 0.15, 0.15)
    """Standard deviations of the search around the best drag: height, x, y."""

    search: SearchConfig = SearchConfig(population=6, elites=3, rounds=2)
    """Search around the best drag when it gains too little."""

    least_gain: float = 0.08
    """Coverage that a drag must gain to be taken without looking further."""

    haste: float = 1.5
    """The same, in shares of what must be gained on average in the time left."""

    steps_per_drag: float = 18.0
    """Control steps that a drag takes, about."""

    stuck_gain: float = 0.01
    """Coverage below which the best drag is taken for stuck."""

    shake: float = 0.1
    """Coverage that is given up to get out of there."""

    attempts: int = 3
    """Times that drag after drag is tried, each the best of its time, before the search is wide."""

    width: int = 5
    """Episodes that a wide search goes on from after each drag."""

    branches: int = 2
    """Of these, the most that begin alike."""


class DragSearch:
    """Simulates drags until the cloth is flat."""

    def __init__(
        self, rehearsal: Rehearsal, config: DragSearchConfig, rng: np.random.Generator
    ) -> None:
        """Where, how hard, and with which chance."""
        self._rehearsal, self._config, self._rng = rehearsal, config, rng

    def find(self, start: Snapshot, observation: Observation) -> Actions:
        """The actions of the first plan that succeeds, else of the best."""
        begin = Outcome([], start, observation, np.inf)
        found: list[Outcome] = []
        for _ in range(self._config.attempts):
            outcome = begin
            while not outcome.end.episode.is_over:
                outcome = self._best_drag(outcome)
            found.append(outcome)
            if outcome.cost <= 0:
                return outcome.actions
        found.append(self._widely(begin))
        return min(found, key=lambda each: each.cost).actions

    def _widely(self, begin: Outcome) -> Outcome:
        """After each drag goes on from several episodes: from those that need the least."""
        config, kept, best = self._config, [begin], begin
        while kept:
            grown: list[Outcome] = []
            for before in kept:
                self._rehearsal.env.restore(before.end)
                made = [self._simulate(pick, before) for pick in self._promising()]
                best = min(best, *made, key=lambda each: each.cost)
                if best.cost <= 0:
                    return best
                going = [each for each in made if not each.end.episode.is_over]
                grown += sorted(going, key=self._still_needed)[: config.branches]
            kept = sorted(grown, key=self._still_needed)[: config.width]
        return best

    def _still_needed(self, outcome: Outcome) -> float:
        """Coverage that each drag in the time left would have to gain."""
        task = self._rehearsal.env.task
        assert isinstance(task, FlattenTask)
        missing = outcome.cost - (1 - task.criteria.coverage)
        return missing / max(self._picks_left(outcome), 0.5)

    def _picks_left(self, outcome: Outcome) -> float:
        left = self._rehearsal.env.task.horizon - outcome.end.episode.step
        return left / self._config.steps_per_drag

    def _promising(self) -> list[Pick]:
        """The drags that are tried on the cloth as it lies."""
        config, points = self._config, self._rehearsal.true_points()
        candidates = plans.usual_drags(points, height=config.height, overshoot=config.overshoot)
        candidates += [plans.random_drag(points, self._rng) for _ in range(config.random_drags)]
        return most_promising(self._rehearsal.env, candidates)[: config.tried_drags]

    def _best_drag(self, before: Outcome) -> Outcome:
        """The episode after the drag that covers most; drags are tried until one will do."""
        config = self._config
        self._rehearsal.env.restore(before.end)
        tried: list[tuple[Pick, Outcome]] = []
        enough = self._gain_needed(before)

        def try_drag(pick: Pick) -> float:
            tried.append((pick, self._simulate(pick, before)))
            return tried[-1][1].cost

        for pick in self._promising():
            if try_drag(pick) <= enough:
                return tried[-1][1]
        best, outcome = min(tried, key=lambda each: each[1].cost)
        minimise(
            lambda numbers: try_drag(plans.drag_of(best.grasp, numbers)),
            np.array([best.height, *best.target]),
            np.array(config.spread),
            rng=self._rng,
            config=config.search,
            mean_cost=outcome.cost,
            good_enough=enough,
        )
        return self._least(before, [outcome for _, outcome in tried])

    def _least(self, before: Outcome, tried: list[Outcome]) -> Outcome:
        """The best outcome; where all are stuck, any that is not much worse, to get out."""
        best = min(tried, key=lambda each: each.cost)
        allowed = best.cost + self._config.shake
        others = [each for each in tried if each.cost <= allowed and not each.end.episode.is_over]
        if before.cost - best.cost >= self._config.stuck_gain or not others:
            return best
        return others[int(self._rng.integers(len(others)))]

    def _simulate(self, pick: Pick, before: Outcome) -> Outcome:
        env = self._rehearsal.env
        self._rehearsal.begin(before.end)
        actions = before.actions.copy()
        observation = self._rehearsal.carry_out(pick, before.observation, actions)
        cost = 1 - env.episode.judgement.figures["coverage"]
        if env.episode.judgement.is_success:
            observation = self._rehearsal.rest(observation, actions)
        if env.episode.is_over:
            cost = 0.0 if env.episode.judgement.is_success else 1.0
        return Outcome(actions, env.snapshot(), observation, cost)

    def _gain_needed(self, before: Outcome) -> float:
        """The cost at which a drag is taken without looking further."""
        episode, config = before.end.episode, self._config
        cost = 1 - episode.judgement.figures["coverage"]
        picks_left = max(self._picks_left(before), 1.0)
        return cost - max(config.least_gain, cost / picks_left * config.haste)
