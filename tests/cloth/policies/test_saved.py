"""Policies come back from files as they were saved."""

import zipfile

import numpy as np
import pytest
from gymnasium.spaces import Box
from stable_baselines3 import PPO, SAC, TD3

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.errors import ClothError
from regard.cloth.policies.saved import StableBaselinesPolicy, is_path, load_policy


@pytest.mark.parametrize("algorithm", [TD3, SAC, PPO])
def test_a_saved_model_acts_as_before(tmp_path, algorithm):
    env = ClothEnv("fold-diagonal", engine="xpbd")
    # The usual buffer of a million observations is allocated at once.
    buffer = {} if algorithm is PPO else {"buffer_size": 10}
    small = {"net_arch": [8]}
    model = algorithm("MlpPolicy", env, seed=0, policy_kwargs=small, device="cpu", **buffer)
    model.save(tmp_path / "model.zip")
    observation, _ = env.reset(seed=0)
    policy = load_policy(tmp_path / "model.zip")
    policy.begin(env, 0)
    action = policy.act(observation)
    assert action == pytest.approx(model.predict(observation, deterministic=True)[0])
    assert action.dtype == np.float32


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as archive:
        archive.writestr("data", '{"policy_class": {"__module__": "os.path"}}')
    for name in ("text.zip", "empty.zip", "foreign.zip"):
        with pytest.raises(ClothError, match=f"{name}.*Stable-Baselines3"):
            load_policy(tmp_path / name)
    with pytest.raises(ClothError, match="no policy at"):
        load_policy(tmp_path / "none.zip")


def test_a_model_of_another_environment_is_refused(tmp_path, monkeypatch):
    class Model:
        observation_space = Box(-1, 1, (3,))

        @classmethod
        def load(cls, path, device):
            return cls()

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(
            "data", '{"policy_class": {"__module__": "stable_baselines3.td3.policies"}}'
        )
    monkeypatch.setattr("stable_baselines3.TD3", Model)
    with pytest.raises(ClothError, match=r"sees \(3,\)"):
        StableBaselinesPolicy(tmp_path / "a.zip")


def test_a_path_is_told_from_a_name():
    assert is_path("runs/best")
    assert is_path("best.zip")
    assert not is_path("do_nothing")
