"""What every policy must do alike."""

import pytest

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.policies.registry import POLICIES, make_policy

CHEAP = [name for name in POLICIES if name not in ("nmpc", "oracle")]


@pytest.mark.parametrize("task", ["fold-diagonal", "flatten"])
@pytest.mark.parametrize("name", CHEAP)
def test_a_policy_gives_actions_of_the_space(name, task):
    env = ClothEnv(task, engine="xpbd")
    policy = make_policy(name)
    observation, _ = env.reset(seed=0)
    policy.begin(env, 0)
    for _ in range(5):
        action = policy.act(observation)
        assert env.action_space.contains(action)
        observation = env.step(action)[0]
