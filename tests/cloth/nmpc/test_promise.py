"""Drags in the order of what they do on the model."""

from regard.cloth import starts
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.frame import fitted_frame
from regard.cloth.nmpc.promise import most_promising
from regard.cloth.nmpc.rehearsal import Rehearsal
from regard.cloth.policies.pick import Pick


def test_the_drags_that_promise_most_are_tried_first():
    env = ClothEnv("flatten", engine="xpbd", resolution=9)
    observation, _ = env.reset(seed=1)
    starts.lay_flat(env.engine, env.episode.conditions)
    env.episode.frame = fitted_frame(env.engine.positions, env.episode.conditions.properties.size)
    back = Pick(grasp=0, target=(-0.5, -0.5), height=0.12)
    over = Pick(grasp=8, target=(-0.3, -0.3), height=0.3)
    Rehearsal(env).carry_out(Pick(grasp=0, target=(0.1, 0.1), height=0.3), observation, [])
    state = env.engine.state()
    assert most_promising(env, [over, back]) == [back, over]
    assert (env.engine.positions == state.positions).all()
