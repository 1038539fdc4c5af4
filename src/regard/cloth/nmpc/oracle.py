"""A planner that knows everything: it searches on the plant itself, noise and chance included.

It is no controller but a measure of the task: what it cannot do, within the picks and the
horizon, nobody should be asked to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.cloth import mesh
from regard.cloth.envs import observation as observing
from regard.cloth.envs.actions import NO_ACTION
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.episode import Snapshot
from regard.cloth.envs.observation import OBSERVED_GRID, Observation
from regard.cloth.mesh import Array
from regard.cloth.nmpc import plans
from regard.cloth.nmpc.cross_entropy import SearchConfig, minimise
from regard.cloth.nmpc.plans import FoldPlan
from regard.cloth.nmpc.promise import most_promising
from regard.cloth.policies.pick import Pick, PickFollower
from regard.cloth.tasks import FoldTask

Actions = list[NDArray[np.float32]]

HOPELESS_DRIFT = 1.5
"""Share of the allowed drift of the base beyond which no later pick makes up for it."""


@dataclass(frozen=True, kw_only=True)
class OracleConfig:
    """How hard the oracle tries."""

    heights: tuple[float, ...] = (0.45, 0.55, 0.36)
    """Of the plain folding arcs, in edges of the cloth."""

    overshoots: tuple[float, ...] = (0.06, 0.0)
    """By which plain folding arcs pass their target, in edges of the cloth."""

    fold_spread: tuple[float, float, float] = (0.12, 0.06, 0.04)
    """Standard deviations of the search around the best plain fold: height, x, y."""

    fold_search: SearchConfig = SearchConfig(population=12, elites=4, rounds=4)
    """Search around the best plain fold when none succeeds."""

    drag_height: float = 0.12
    """Of a drag that spreads the cloth, in edges of the cloth."""

    drag_overshoot: float = 1.15
    """How far points are dragged, in distances from where they belong."""

    random_drags: int = 71
    """Drags at random that are considered beside the usual ones."""

    tried_drags: int = 16
    """Drags, of those considered, that are tried on the plant."""

    drag_spread: tuple[float, float, float] = (0.12, 0.15, 0.15)
    """Standard deviations of the search around the best drag: height, x, y."""

    drag_search: SearchConfig = SearchConfig(population=6, elites=3, rounds=2)
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

    attempts: int = 8
    """Times a flattening is planned anew when it fails."""


class Outcome(NamedTuple):
    """What a simulated plan led to."""

    actions: Actions
    """That were taken."""

    end: Snapshot
    """The episode after them."""

    observation: Observation
    """The last one."""

    cost: float
    """0 for a success; the lower, the nearer to one."""


class OraclePolicy:
    """Simulates candidate plans on the plant until one succeeds, then carries it out."""

    def __init__(self, config: OracleConfig = OracleConfig()) -> None:  # noqa: B008
        self._config = config
        self.num_rollouts = 0

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Keeps hold of the plant."""
        self._env = env
        self._rng = np.random.default_rng(seed)
        self._actions: Iterator[NDArray[np.float32]] | None = None
        self.num_rollouts = 0

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next action of the plan that was found at the first call."""
        if self._actions is None:
            render_mode, self._env.render_mode = self._env.render_mode, None
            start = self._env.snapshot()
            is_fold = isinstance(self._env.task, FoldTask)
            find = self._find_fold if is_fold else self._find_flattening
            self._actions = iter(find(start, observation))
            self._env.restore(start)
            self._env.render_mode = render_mode
        return next(self._actions, NO_ACTION.copy())

    def _find_fold(self, start: Snapshot, observation: Observation) -> Actions:
        config = self._config
        task = self._env.task
        assert isinstance(task, FoldTask)
        outcomes: list[tuple[FoldPlan, Outcome]] = []

        def try_plan(plan: FoldPlan) -> float:
            outcome = self._simulate_fold(plan, start, observation)
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
            np.tile(config.fold_spread, len(best.grasps)),
            rng=self._rng,
            config=config.fold_search,
            mean_cost=outcome.cost,
            good_enough=0.0,
        )
        return min(outcomes, key=lambda each: each[1].cost)[1].actions

    def _simulate_fold(self, plan: FoldPlan, start: Snapshot, observation: Observation) -> Outcome:
        env = self._env
        env.restore(start)
        self.num_rollouts += 1
        actions: Actions = []
        num_picks = 0
        while not (env.episode.is_over or env.episode.judgement.is_success):
            pick = plan.next_pick(self._true_points(), num_picks)
            if pick is None:
                break
            observation = self._carry_out(pick, observation, actions)
            num_picks += 1
            if self._drift_share() > HOPELESS_DRIFT:
                break
        if env.episode.judgement.is_success:
            observation = self._rest(observation, actions)
        return Outcome(actions, env.snapshot(), observation, self._fold_cost())

    def _drift_share(self) -> float:
        """The base's drift, as a share of the most that is allowed."""
        episode, task = self._env.episode, self._env.task
        assert isinstance(task, FoldTask)
        allowed = task.criteria.base_drift * episode.conditions.properties.size
        return episode.judgement.figures["base_drift"] / allowed

    def _fold_cost(self) -> float:
        """0 for a success, else by how much the criteria are missed, as shares of them."""
        episode = self._env.episode
        if episode.diverged:
            return np.inf
        if episode.judgement.is_success:
            return 0.0
        task = self._env.task
        assert isinstance(task, FoldTask)
        size = episode.conditions.properties.size
        figures = episode.judgement.figures
        limits: dict[str, float] = asdict(task.criteria)
        return sum(max(0.0, figures[name] / (limit * size) - 1) for name, limit in limits.items())

    def _find_flattening(self, start: Snapshot, observation: Observation) -> Actions:
        found: list[Outcome] = []
        for _ in range(self._config.attempts):
            outcome = Outcome([], start, observation, np.inf)
            while not outcome.end.episode.is_over:
                outcome = self._best_drag(outcome)
            found.append(outcome)
            if outcome.cost <= 0:
                break
        return min(found, key=lambda each: each.cost).actions

    def _best_drag(self, before: Outcome) -> Outcome:
        """The episode after the drag that covers most; drags are tried until one will do."""
        config = self._config
        self._env.restore(before.end)
        points = self._true_points()
        tried: list[tuple[Pick, Outcome]] = []
        enough = self._gain_needed(before)

        def try_drag(pick: Pick) -> float:
            tried.append((pick, self._simulate_drag(pick, before)))
            return tried[-1][1].cost

        candidates = plans.usual_drags(
            points, height=config.drag_height, overshoot=config.drag_overshoot
        )
        candidates += [plans.random_drag(points, self._rng) for _ in range(config.random_drags)]
        for pick in most_promising(self._env, candidates)[: config.tried_drags]:
            if try_drag(pick) <= enough:
                return tried[-1][1]
        best, outcome = min(tried, key=lambda each: each[1].cost)
        minimise(
            lambda numbers: try_drag(plans.drag_of(best.grasp, numbers)),
            np.array([best.height, *best.target]),
            np.array(config.drag_spread),
            rng=self._rng,
            config=config.drag_search,
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

    def _simulate_drag(self, pick: Pick, before: Outcome) -> Outcome:
        env = self._env
        env.restore(before.end)
        self.num_rollouts += 1
        actions = before.actions.copy()
        observation = self._carry_out(pick, before.observation, actions)
        cost = 1 - env.episode.judgement.figures["coverage"]
        if env.episode.judgement.is_success:
            observation = self._rest(observation, actions)
        if env.episode.is_over:
            cost = 0.0 if env.episode.judgement.is_success else 1.0
        return Outcome(actions, env.snapshot(), observation, cost)

    def _gain_needed(self, before: Outcome) -> float:
        """The cost at which a drag is taken without looking further."""
        episode, config = before.end.episode, self._config
        cost = 1 - episode.judgement.figures["coverage"]
        picks_left = (self._env.task.horizon - episode.step) / config.steps_per_drag
        return cost - max(config.least_gain, cost / max(picks_left, 1.0) * config.haste)

    def _true_points(self) -> Array:
        """The observed points as they are, in the policy's frame: (NUM_POINTS, 3)."""
        engine = self._env.engine
        seen = mesh.subgrid(engine.resolution, OBSERVED_GRID)
        return self._env.episode.frame.from_table(engine.positions[seen])

    def _carry_out(self, pick: Pick, observation: Observation, actions: Actions) -> Observation:
        follower = PickFollower(pick)
        while not (follower.is_done or self._env.episode.is_over):
            action = follower.act(observing.read(observation))
            observation = self._step(action, actions)
        return observation

    def _rest(self, observation: Observation, actions: Actions) -> Observation:
        while not self._env.episode.is_over:
            observation = self._step(NO_ACTION.copy(), actions)
        return observation

    def _step(self, action: NDArray[np.float32], actions: Actions) -> Observation:
        actions.append(action)
        return self._env.step(action)[0]
