"""One recorded episode."""

import numpy as np

from regard.cloth.demonstrations.recording import Recording, record_episode
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.policies.scripted import ScriptedPolicy


def test_a_recorded_episode_is_what_the_environment_does_again():
    env = ClothEnv("fold-diagonal", engine="xpbd", resolution=9)
    recording = record_episode(env, ScriptedPolicy(), 3)
    observation, info = env.reset(seed=recording.seed)
    steps = len(recording.actions)
    for number in range(steps):
        assert np.array_equal(observation, recording.observations[number])
        assert info["normalized_performance"] == recording.performances[number]
        observation, reward, over, _, info = env.step(recording.actions[number])
        assert reward == recording.rewards[number]
        assert over == recording.terminations[number] == (number == steps - 1)
    assert np.array_equal(observation, recording.observations[-1])
    assert info["is_success"] == recording.is_success


def test_a_saved_recording_comes_back_whole_and_leaves_no_part(tmp_path):
    env = ClothEnv("fold-diagonal", engine="xpbd", resolution=9)
    recording = record_episode(env, ScriptedPolicy(), 3)
    recording.save(tmp_path / "one.npz")
    again = Recording.load(tmp_path / "one.npz")
    for name, value in recording._asdict().items():
        assert np.array_equal(getattr(again, name), value)
    assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]
