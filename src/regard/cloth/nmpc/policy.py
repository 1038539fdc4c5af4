"""Nonlinear model predictive control: plan on the model, act, look, plan again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline  # type: ignore[import-untyped]

from regard.cloth import metrics
from regard.cloth.envs import observation as observing
from regard.cloth.envs.actions import NO_ACTION
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.envs.observation import Observation, Seen
from regard.cloth.mesh import Array
from regard.cloth.nmpc import plans
from regard.cloth.nmpc.cost import CostWeights, motion_cost, outcome_cost
from regard.cloth.nmpc.cross_entropy import SearchConfig, minimise
from regard.cloth.nmpc.model import ModelConfig, PredictionModel
from regard.cloth.nmpc.plans import FoldPlan
from regard.cloth.policies.pick import NUM_KNOTS, Pick, PickFollower
from regard.cloth.policies.scripted import FLAT_ENOUGH
from regard.cloth.tasks import FoldTask


@dataclass(frozen=True, kw_only=True)
class NmpcConfig:
    """How the controller plans."""

    model: ModelConfig = ModelConfig()
    """What it predicts with."""

    weights: CostWeights = CostWeights()
    """What it wants."""

    heights: tuple[float, ...] = (0.45, 0.48)
    """Of the folding arcs that are compared for each grasp, in edges of the cloth. In the plant
    the base drifted least at about 0.46, and twice as far at 0.38 or 0.54; the model does not show
    it, so that the search stays near."""

    overshoots: tuple[float, ...] = (0.0, 0.04)
    """By which those arcs pass their target, in edges of the cloth."""

    fold_spread: tuple[float, float, float] = (0.01, 0.02, 0.015)
    """Standard deviations of the search around the best of them: height, x, y."""

    drag_height: float = 0.12
    """Of the drags that are compared for each grasp, in edges of the cloth."""

    drag_overshoot: float = 1.15
    """How far points are dragged, in distances from where they belong."""

    random_drags: int = 12
    """Drags at random that are compared with those."""

    drag_spread: tuple[float, float, float] = (0.1, 0.12, 0.12)
    """Standard deviations of the search around the best drag: height, x, y."""

    search: SearchConfig = SearchConfig(population=10, elites=3, rounds=1)
    """Search around the best plan."""

    steps_between_plans: int = 10
    """Control steps after which the rest of a path is planned anew."""

    bend_spread: float = 0.01
    """Standard deviation of the knots that bend the rest of a path, in edges of the cloth."""

    bend_search: SearchConfig = SearchConfig(population=6, elites=3, rounds=1)
    """Search over those knots."""

    max_slips: int = 8
    """Grasps of another point than was meant that are let go, in an episode."""

    margin: float = 0.85
    """Share of each criterion within which a fold, as seen, is left alone."""

    seen_share: float = 0.4
    """Weight of the newest observation in the running mean by which a result is judged."""


class NmpcPolicy:
    """Chooses a grasp and an arc on the model, and mends the arc under way."""

    def __init__(self, config: NmpcConfig = NmpcConfig()) -> None:  # noqa: B008
        self._config = config
        self._model = PredictionModel(config.model)

    def begin(self, env: ClothEnv, seed: int) -> None:
        """Takes the task, and nothing else, from the environment."""
        self._task = env.task
        self._rng = np.random.default_rng(seed)
        self._follower: PickFollower | None = None
        self._next_plan: FoldPlan | None = None
        self._seen_mean: Array | None = None
        self._num_slips = 0

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next action of the present pick, or of the next one."""
        seen = observing.read(observation)
        self._observe(seen)
        if self._follower is None or self._follower.is_done:
            pick = self._next_pick(seen)
            if pick is None:
                return NO_ACTION.copy()
            self._follower = PickFollower(pick)
        if self._holds_another(self._follower, seen):
            self._follower, self._num_slips = None, self._num_slips + 1
            return NO_ACTION.copy()
        self._mend_path(self._follower)
        return self._follower.act(seen)

    def _holds_another(self, follower: PickFollower, seen: Seen) -> bool:
        """Whether the fingers, before they move, are seen on another point than was meant.

        Where the cloth lies double they may take the other layer, and would lead the base away.
        """
        is_fresh = seen.is_holding and follower.path_left is None
        is_other = int(seen.held.argmax()) != follower.pick.grasp
        return is_fresh and is_other and self._num_slips < self._config.max_slips

    def _observe(self, seen: Seen) -> None:
        if self._seen_mean is None:
            self._model.begin(seen)
            self._start = self._seen_mean = seen.points
            return
        self._model.follow(seen)
        self._seen_mean = self._seen_mean + self._config.seen_share * (
            seen.points - self._seen_mean
        )

    def _next_pick(self, seen: Seen) -> Pick | None:
        if self._is_finished():
            return None
        if isinstance(self._task, FoldTask):
            plan = self._best_fold(self._task)
            return None if plan is None else plan.next_pick(self._model.points, 0)
        return self._best_drag()

    def _is_finished(self) -> bool:
        """Whether the cloth, as seen, is as it should be."""
        assert self._seen_mean is not None
        if not isinstance(self._task, FoldTask):
            return metrics.coverage(self._seen_mean, 1.0) >= FLAT_ENOUGH
        found = metrics.fold_figures(self._task.fold, self._seen_mean, self._start)
        criteria, margin = self._task.criteria, self._config.margin
        return (
            found.fold_distance <= margin * criteria.fold_distance
            and found.corner_distance <= margin * criteria.corner_distance
        )

    def _best_fold(self, task: FoldTask) -> FoldPlan | None:
        """The best way on from here, over grasps, heights and overshoots; None without any."""
        config = self._config
        assert self._seen_mean is not None
        # A corner in its place is left there: leading it again can only drag the base along.
        limit = config.margin * task.criteria.corner_distance
        orders = plans.open_orders(task.fold, self._seen_mean, limit)
        if not orders:
            return None
        candidates = [
            self._lowered(plan)
            for plan in plans.usual_folds(task.fold, orders, config.heights, config.overshoots)
        ]
        costs = [self._cost_of_fold(plan) for plan in candidates]
        best = candidates[int(np.argmin(costs))]

        def fold_with(leads: Array) -> FoldPlan:
            return FoldPlan(best.fold, best.grasps, leads.reshape(-1, plans.LEAD_SIZE))

        leads, _ = minimise(
            lambda leads: self._cost_of_fold(fold_with(leads)),
            best.leads.ravel(),
            np.tile(config.fold_spread, len(best.grasps)),
            rng=self._rng,
            config=config.search,
            mean_cost=min(costs),
        )
        self._next_plan = fold_with(leads)
        return self._next_plan

    def _lowered(self, plan: FoldPlan) -> FoldPlan:
        """The plan with lower arcs where less of the way is left: high ones undo the fold."""
        assert self._seen_mean is not None
        left = [plans.way(plan.fold, grasp, self._seen_mean) for grasp in plan.grasps]
        leads = plan.leads.copy()
        leads[:, 0] *= np.minimum(left, 1.0) ** 0.5
        return FoldPlan(plan.fold, plan.grasps, leads)

    def _cost_of_fold(self, plan: FoldPlan, first: int = 0) -> float:
        """Predicted cost of the picks of a plan from number `first` on."""
        return self._predicted(lambda: self._run_fold(plan, first))

    def _run_fold(self, plan: FoldPlan, first: int) -> float:
        motion = 0.0
        for number in range(first, len(plan.grasps)):
            pick = plan.next_pick(self._model.points, number)
            assert pick is not None
            motion += motion_cost(self._model.predict_pick(pick), self._config.weights)
        return motion

    def _best_drag(self) -> Pick:
        """The drag after which the cloth covers most."""
        config, points = self._config, self._model.points
        candidates = plans.usual_drags(
            points, height=config.drag_height, overshoot=config.drag_overshoot
        )
        candidates += [plans.random_drag(points, self._rng) for _ in range(config.random_drags)]
        costs = [self._cost_of_drag(pick) for pick in candidates]
        best = candidates[int(np.argmin(costs))]
        numbers, _ = minimise(
            lambda numbers: self._cost_of_drag(plans.drag_of(best.grasp, numbers)),
            np.array([best.height, *best.target]),
            np.array(config.drag_spread),
            rng=self._rng,
            config=config.search,
            mean_cost=min(costs),
        )
        return plans.drag_of(best.grasp, numbers)

    def _cost_of_drag(self, pick: Pick) -> float:
        def run() -> float:
            return motion_cost(self._model.predict_pick(pick), self._config.weights)

        return self._predicted(run)

    def _mend_path(self, follower: PickFollower) -> None:
        """Bends the rest of the path so that it ends better from where the cloth is now."""
        path = follower.path_left
        every = self._config.steps_between_plans
        if path is None or follower.steps_taken % every or follower.steps_taken == 0:
            return
        if len(path) < every // 2:
            return
        grasp = follower.pick.grasp

        def cost_of(knots: Array) -> float:
            bent = bend(path, knots.reshape(NUM_KNOTS, 3), self._model.max_step)
            return self._predicted(lambda: self._run_rest(grasp, bent))

        knots, _ = minimise(
            cost_of,
            np.zeros(3 * NUM_KNOTS),
            np.full(3 * NUM_KNOTS, self._config.bend_spread),
            rng=self._rng,
            config=self._config.bend_search,
        )
        follower.redirect(bend(path, knots.reshape(NUM_KNOTS, 3), self._model.max_step))

    def _run_rest(self, grasp: int, path: Array) -> float:
        self._model.predict_path(grasp, path)
        motion = motion_cost(path, self._config.weights)
        plan = self._next_plan
        return motion if plan is None else motion + self._run_fold(plan, 1)

    def _predicted(self, run: Callable[[], float]) -> float:
        """Cost of the motion and of where it leads; the model is put back afterwards."""
        state = self._model.state()
        motion = run()
        cost = np.inf
        if not self._model.has_diverged:
            positions, weights = self._model.positions, self._config.weights
            cost = motion + outcome_cost(self._task, positions, self._model.start, weights)
        self._model.restore(state)
        return cost


def bend(path: Array, knots: Array, max_step: float) -> Array:
    """Adds a spline through inner knots to a path; where it ends stays the same.

    Args:
        path: Shape (steps, 3).
        knots: Shape (NUM_KNOTS, 3).
        max_step: Farthest the gripper moves along an axis in a step.

    Returns:
        Shape (steps, 3); the path as it was where the gripper could not follow the bent one.
    """
    fixed = np.zeros((1, 3))
    values = np.concatenate([fixed, knots, fixed])
    spline = CubicSpline(np.linspace(0, 1, len(values)), values)
    bent: Array = path + spline(np.linspace(0, 1, len(path) + 1)[1:])
    bent[:, 2] = np.maximum(bent[:, 2], 0.0)
    longest = np.abs(np.diff(bent, axis=0)).max(initial=0.0)
    return bent if longest <= max_step else path
