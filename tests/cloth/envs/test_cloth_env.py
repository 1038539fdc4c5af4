"""The environments' contract, over tasks and engines."""

import dataclasses

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_stable_baselines

from regard.cloth import ENVIRONMENT_IDS
from regard.cloth.conditions import TRAINING
from regard.cloth.engines import ENGINES
from regard.cloth.envs.actions import NO_ACTION, Command, action_of
from regard.cloth.envs.cloth_env import REST_STEPS, ClothEnv
from regard.cloth.errors import ClothError
from regard.cloth.tasks import TASKS

HOLD = action_of(Command(np.zeros(3), True, 0))
CALM = dataclasses.replace(
    TRAINING,
    grasp_failure=(0, 0),
    grasp_offset=(0, 0),
    max_action_delay=0,
    wrinkle_probability=0,
    observation_noise=(0, 0),
)
# MuJoCo's cloth takes 20 ms a step when crumpled.
CASES = [(task, engine) for task in TASKS for engine in ENGINES]


@pytest.mark.parametrize(
    ("task", "engine"),
    [
        pytest.param(*case, marks=pytest.mark.slow if case == ("flatten", "mujoco") else ())
        for case in CASES
    ],
)
def test_both_checkers_pass(task, engine):
    env = gymnasium.make(ENVIRONMENT_IDS[task], engine=engine, render_mode="rgb_array").unwrapped
    # The other render mode needs a display.
    check_env(env, skip_render_check=True)
    check_env_for_stable_baselines(env)
    assert env.render().dtype == np.uint8


@pytest.mark.parametrize(("task", "engine"), CASES)
def test_rewards_are_bounded_and_their_terms_add_up(task, engine):
    env = ClothEnv(task, engine=engine)
    env.action_space.seed(0)
    env.reset(seed=0)
    total = 0.0
    for _ in range(12):
        _, reward, over, truncated, info = env.step(env.action_space.sample())
        assert 0 <= reward <= 2
        assert reward == info["reward_progress"] + info["reward_success"]
        total += reward
        if over:
            break
    assert not truncated
    assert total <= 2


@pytest.mark.parametrize("task", TASKS)
def test_a_seed_decides_everything(task):
    def run():
        env = ClothEnv(task, engine="xpbd")
        env.action_space.seed(3)
        seen = [env.reset(seed=5)[0]]
        for _ in range(9):
            seen.append(env.step(env.action_space.sample())[0])
        return np.stack(seen)

    assert (run() == run()).all()


def test_the_mujoco_engine_is_deterministic_too():
    def run():
        env = ClothEnv("fold-diagonal")
        env.reset(seed=2)
        return [env.step(HOLD)[0] for _ in range(6)][-1]

    assert (run() == run()).all()


def test_an_idle_gripper_ends_the_episode_after_a_second_without_success():
    env = ClothEnv("fold-diagonal", engine="xpbd")
    env.reset(seed=0)
    for step in range(1, REST_STEPS + 1):
        _, _, over, _, info = env.step(NO_ACTION)
        assert over == (step == REST_STEPS)
    assert not info["is_success"]
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(NO_ACTION)


def test_the_horizon_ends_an_episode_with_the_gripper_open():
    env = ClothEnv("fold-diagonal", engine="xpbd", ranges=CALM)
    env.reset(seed=0)
    over = False
    while not over:
        _, _, over, _, _ = env.step(HOLD)
    assert env.episode.step == env.task.horizon
    assert env.episode.gripper.vertex is None


def test_an_action_moves_the_gripper_in_the_frame_of_the_cloth():
    env = ClothEnv("fold-diagonal", engine="xpbd", ranges=CALM)
    env.reset(seed=1)
    env.step(HOLD)
    before = env.episode.gripper.position
    env.step(action_of(Command(np.array([0.03, 0.0, 0.01]), True, 0)))
    moved = env.episode.frame.from_table(env.episode.gripper.position)
    moved -= env.episode.frame.from_table(before)
    size = env.episode.conditions.properties.size
    assert moved * size == pytest.approx([0.03, 0, 0.01])
    assert env.episode.gripper.vertex == 0


def test_a_delayed_action_takes_effect_a_step_later():
    env = ClothEnv("fold-diagonal", engine="xpbd", ranges=CALM)
    env.reset(seed=1)
    env.episode.pending = (NO_ACTION,)
    env.step(HOLD)
    assert env.episode.gripper.vertex is None
    env.step(HOLD)
    assert env.episode.gripper.vertex == 0


def test_grasps_fail_as_often_as_the_conditions_say():
    ranges = dataclasses.replace(CALM, grasp_failure=(1, 1))
    env = ClothEnv("fold-diagonal", engine="xpbd", ranges=ranges)
    env.reset(seed=0)
    for _ in range(4):
        _, _, _, _, info = env.step(HOLD)
    assert info["num_grasps"] == info["num_failed_grasps"] == 4
    assert env.episode.gripper.vertex is None


def test_an_exploded_cloth_ends_the_episode_with_a_flag():
    env = ClothEnv("fold-axis", engine="xpbd")
    env.reset(seed=0)
    env.engine._positions[3] = np.nan
    observation, reward, over, _, info = env.step(NO_ACTION)
    assert over
    assert info["diverged"]
    assert not info["is_success"]
    assert reward == 0
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_snapshot_brings_everything_back(engine):
    env = ClothEnv("fold-diagonal", engine=engine)
    env.reset(seed=4)
    env.step(HOLD)
    snapshot = env.snapshot()
    first = [env.step(HOLD)[0] for _ in range(4)]
    env.restore(snapshot)
    again = [env.step(HOLD)[0] for _ in range(4)]
    assert np.stack(first).tolist() == np.stack(again).tolist()


def test_flattening_starts_crumpled():
    env = ClothEnv("flatten", engine="xpbd")
    for seed in range(3):
        _, info = env.reset(seed=seed)
        assert info["coverage"] <= env.task.max_start_coverage


def test_many_environments_run_at_once():
    envs = gymnasium.make_vec(
        ENVIRONMENT_IDS["fold-diagonal"], num_envs=3, vectorization_mode="sync", engine="xpbd"
    )
    seen, _ = envs.reset(seed=0)
    seen, rewards, _, _, info = envs.step(np.stack([HOLD] * 3))
    assert seen.shape == (3, 97)
    assert rewards.shape == (3,)
    assert info["fold_distance"].shape == (3,)
    envs.close()


@pytest.mark.slow
def test_environments_in_processes_do_what_they_do_alone():
    envs = gymnasium.make_vec(
        ENVIRONMENT_IDS["fold-diagonal"],
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"context": "spawn"},
        engine="xpbd",
    )
    seen, _ = envs.reset(seed=[4, 5])
    for _ in range(3):
        seen, *_ = envs.step(np.stack([HOLD] * 2))
    envs.close()
    for index, seed in enumerate((4, 5)):
        alone = ClothEnv("fold-diagonal", engine="xpbd")
        alone.reset(seed=seed)
        for _ in range(3):
            expected = alone.step(HOLD)[0]
        assert seen[index].tolist() == expected.tolist()


def test_wrong_arguments_are_refused():
    for wrong in ({"engine": "a"}, {"ranges": "b"}, {"render_mode": "c"}, {"resolution": 4}):
        with pytest.raises(ClothError):
            ClothEnv("fold-diagonal", **wrong)


@pytest.mark.parametrize("wrong", [[0.0] * 5, [[0.0] * 6], [np.nan] * 6, [np.inf] + [0.0] * 5])
def test_an_action_that_is_none_is_refused_and_changes_nothing(wrong):
    env = ClothEnv("fold-diagonal", engine="xpbd")
    env.reset(seed=0)
    with pytest.raises(ClothError, match="6 finite numbers"):
        env.step(wrong)
    assert env.episode.step == 0
