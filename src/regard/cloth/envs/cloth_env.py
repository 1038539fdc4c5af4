"""The Gymnasium environment of all tasks and engines."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import ArrayLike, NDArray

from regard.cloth import mesh, starts
from regard.cloth.conditions import Ranges, draw_conditions, ranges_of
from regard.cloth.engines import make_engine
from regard.cloth.engines.contract import CONTROL_PERIOD
from regard.cloth.envs import observation as observing
from regard.cloth.envs.actions import (
    ACTION_SIZE,
    GRASP_GRID,
    NO_ACTION,
    Command,
    read_action,
)
from regard.cloth.envs.episode import Episode, Snapshot
from regard.cloth.envs.observation import Observation
from regard.cloth.envs.rendering import draw, show_in_window
from regard.cloth.errors import ClothError
from regard.cloth.frame import fitted_frame
from regard.cloth.tasks import FlattenTask, Judgement, task_of

REST_STEPS = 10
"""Control steps that an open gripper waits before the episode is over: one second of rest."""
SUCCESS_BONUS = 1.0
"""Reward at the end of a success."""


class ClothEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """Fold or flatten a square cloth on a table with one gripper that picks and moves.

    Description:
        Control at 10 Hz. The policy chooses where to pick and then moves the gripper. A grasp
        may fail, lands a little off, and takes the uppermost layer. The cloth's pose, size,
        material, friction, the noise of the observation and the delay of actions change from
        episode to episode (`conditions.py`); `ranges="held-out"` draws them from outside the
        training ranges.

    Action space: `Box(-1, 1, (6,))`.
        | index | meaning | unit at 1 |
        | --- | --- | --- |
        | 0-2 | movement of the gripper in the cloth's frame | 0.03 m a step |
        | 3 | above 0: close, or stay closed; else open | |
        | 4-5 | which of 3 x 3 points to pick, rounded; read when an open gripper closes | |

        Closing an open gripper takes one step: it goes to the point and grasps.

    Observation space: `Box(-10, 10, (97,))`, lengths in edges of the cloth, in its frame at the
        start; `observation.read` names the parts. 25 points of the cloth with noise, the gripper,
        which point is held, time, rest, size, the last action.

    Rewards: in each step `max(0, p) / horizon`, p being SoftGym's normalised performance, at most
        1. When the episode ends early, the cloth counts as lying there until the horizon. A
        success adds 1. All rewards are non-negative, a return is at most 2.

    Starting state: flat (a fifth of the folds wrinkled) or, to flatten, crumpled to a coverage
        of at most 0.4.

    Episode end: terminated when the gripper has been open for a second or at the horizon (then
        the gripper opens and the cloth rests for a second), or when the simulation explodes
        (`info["diverged"]`). Success is judged at the end.

    Arguments: `task`, `engine` ("mujoco" or "xpbd"), `ranges`, `resolution`, `render_mode`.

    Version history: v0.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["rgb_array", "human"],
        "render_fps": round(1 / CONTROL_PERIOD),
    }

    def __init__(
        self,
        task: str,
        *,
        engine: str = "mujoco",
        ranges: str | Ranges = "training",
        resolution: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Makes the environment.

        Args:
            task: "fold-diagonal", "fold-axis" or "flatten".
            engine: "mujoco" or "xpbd".
            ranges: "training", "held-out", or bounds of one's own.
            resolution: Vertices along an edge, 1 more than a multiple of 4; by engine if None.
            render_mode: "rgb_array", "human" or None.

        Raises:
            ClothError: An argument is not one of those.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ClothError(f"unknown render mode {render_mode!r}; take 'rgb_array' or 'human'")
        self.task = task_of(task)
        self.engine = make_engine(engine, resolution)
        self.ranges = ranges if isinstance(ranges, Ranges) else ranges_of(ranges)
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)
        self.observation_space = gymnasium.spaces.Box(
            -observing.BOUND, observing.BOUND, (observing.OBSERVATION_SIZE,), np.float32
        )
        self._seen_vertices = mesh.subgrid(self.engine.resolution, observing.OBSERVED_GRID)
        self._grasp_vertices = mesh.subgrid(self.engine.resolution, GRASP_GRID)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode."""
        super().reset(seed=seed)
        task = self.task
        conditions = draw_conditions(
            self.np_random, self.ranges, any_yaw=isinstance(task, FlattenTask)
        )
        if isinstance(task, FlattenTask):
            starts.crumple(
                self.engine, self.np_random, conditions, max_coverage=task.max_start_coverage
            )
        else:
            starts.lay_flat(self.engine, conditions)
            if conditions.is_wrinkled:
                starts.wrinkle(self.engine, self.np_random, conditions.properties.size)
        start = self.engine.positions
        size = conditions.properties.size
        judgement = task.judge(start, start, size)
        self.episode = Episode(
            conditions=conditions,
            start=start,
            frame=fitted_frame(start, size),
            start_performance=judgement.performance,
            judgement=judgement,
            pending=(NO_ACTION,) * conditions.action_delay,
        )
        if self.render_mode == "human":
            self.render()
        return self._observe(), self._info(progress=0.0, success=0.0)

    def step(self, action: ArrayLike) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Takes one control step.

        Raises:
            ClothError: The action is not six finite numbers.
        """
        episode = self.episode
        if episode.is_over:
            raise gymnasium.error.ResetNeeded("the episode is over: call reset()")
        chosen = np.array(action, dtype=np.float32)
        if chosen.shape != (ACTION_SIZE,) or not np.isfinite(chosen).all():
            raise ClothError(f"an action is {ACTION_SIZE} finite numbers, not {action!r}")
        queue = (*episode.pending, chosen)
        episode.pending, episode.last_action = queue[1:], chosen
        self._act(read_action(queue[0]))
        episode.step += 1
        self._judge()
        if episode.diverged or episode.rest >= REST_STEPS or episode.step >= self.task.horizon:
            self._finish()
        progress, success = self._rewards()
        if self.render_mode == "human":
            self.render()
        info = self._info(progress=progress, success=success)
        return self._observe(), progress + success, episode.is_over, False, info

    def render(self) -> NDArray[np.uint8] | None:
        """The scene as a picture (height, width, 3), or shown in a window."""
        gripper = self.episode.gripper
        picture = draw(self.engine.positions, gripper.position, gripper.vertex is not None)
        if self.render_mode == "human":
            show_in_window(picture)
            return None
        return picture

    def snapshot(self) -> Snapshot:
        """The episode as it is, to go back to."""
        rng = dict(copy.deepcopy(self.np_random.bit_generator.state))
        return Snapshot(self.episode.copied(), self.engine.state(), rng)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a moment of the same episode."""
        self.episode = snapshot.episode.copied()
        self.engine.restore(snapshot.engine)
        self.np_random.bit_generator.state = snapshot.rng

    def _act(self, command: Command) -> None:
        episode, gripper = self.episode, self.episode.gripper
        if not command.holds:
            gripper.release()
            gripper.move(episode.frame.turned(command.displacement))
            self.engine.advance()
            episode.rest += 1
            return
        episode.rest = 0
        if gripper.vertex is None:
            self._grasp(command.grasp)
        else:
            gripper.move(episode.frame.turned(command.displacement))
        self.engine.advance(gripper.hold)

    def _grasp(self, candidate: int) -> None:
        conditions = self.episode.conditions
        positions = self.engine.positions
        place = positions[self._grasp_vertices[candidate], :2]
        place = place + self.np_random.normal(0.0, conditions.grasp_offset, 2)
        fails = bool(self.np_random.random() < conditions.grasp_failure)
        self.episode.gripper.grasp(positions, place, fails=fails)

    def _finish(self) -> None:
        """Opens the gripper where the horizon came first, lets the cloth rest, judges."""
        episode = self.episode
        episode.is_over = True
        if episode.rest < REST_STEPS and not episode.diverged:
            episode.gripper.release()
            starts.settle(self.engine, REST_STEPS - episode.rest)
            self._judge()

    def _judge(self) -> None:
        episode = self.episode
        if self.engine.diverged:
            episode.diverged = True
            worst = episode.start_performance
            episode.judgement = Judgement(worst, 0.0, False, episode.judgement.figures)
            return
        size = episode.conditions.properties.size
        episode.judgement = self.task.judge(self.engine.positions, episode.start, size)

    def _rewards(self) -> tuple[float, float]:
        episode = self.episode
        if episode.diverged:
            return 0.0, 0.0
        steps = 1 + (self.task.horizon - episode.step if episode.is_over else 0)
        progress = min(max(episode.progress, 0.0), 1.0) * steps / self.task.horizon
        success = episode.is_over and episode.judgement.is_success
        return progress, SUCCESS_BONUS if success else 0.0

    def _observe(self) -> Observation:
        episode = self.episode
        conditions, gripper = episode.conditions, episode.gripper
        points = self.engine.positions[self._seen_vertices]
        points = points + self.np_random.normal(0.0, conditions.observation_noise, points.shape)
        seen = observing.Seen(
            points=episode.frame.from_table(points),
            gripper=episode.frame.from_table(gripper.position),
            held=observing.held_grasp(gripper.vertex, self.engine.resolution),
            is_holding=gripper.vertex is not None,
            elapsed=episode.step / self.task.horizon,
            rest=episode.rest / REST_STEPS,
            size=conditions.properties.size,
            last_action=episode.last_action.astype(np.float64),
        )
        return observing.pack(seen)

    def _info(self, *, progress: float, success: float) -> dict[str, Any]:
        episode = self.episode
        return {
            "normalized_performance": episode.progress,
            "performance": episode.judgement.performance,
            **episode.judgement.figures,
            "is_success": episode.is_over and episode.judgement.is_success,
            "diverged": episode.diverged,
            "reward_progress": progress,
            "reward_success": success,
            "num_grasps": episode.gripper.num_attempts,
            "num_failed_grasps": episode.gripper.num_failures,
        }
