"""The planner's own cloth."""

import numpy as np
import pytest

from regard.cloth.envs import observation as observing
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.nmpc.model import ModelConfig, PredictionModel
from regard.cloth.policies.pick import Pick, PickFollower

PICK = Pick(grasp=0, target=(0.5, 0.5), height=0.45)


@pytest.fixture
def seen():
    observation, _ = ClothEnv("fold-diagonal", engine="xpbd").reset(seed=1)
    return observing.read(observation)


@pytest.fixture
def model(seen):
    model = PredictionModel()
    model.begin(seen)
    return model


def test_it_begins_where_the_cloth_is_seen(model, seen):
    assert model.points[:, :2] == pytest.approx(seen.points[:, :2])
    assert model.size == seen.size


def test_a_pick_brings_the_corner_to_its_target(model):
    path = model.predict_pick(PICK)
    assert path[-1, :2] == pytest.approx(PICK.target)
    assert model.points[0, :2] == pytest.approx(PICK.target, abs=0.1)


def test_what_lies_out_of_reach_stays_where_it_is(model, seen):
    model.begin_at(seen.points + (4.0, 0.0, 0.0), seen.size)
    before = model.positions
    model.predict_pick(PICK)
    assert (model.positions == before).all()


def test_a_prediction_can_be_taken_back(model):
    before, state = model.positions, model.state()
    model.predict_pick(PICK)
    assert not np.allclose(model.positions, before)
    model.restore(state)
    assert (model.positions == before).all()


def test_an_observation_draws_the_model_towards_it(model, seen):
    shifted = seen._replace(points=seen.points + (0.2, 0.0, 0.0))
    before = model.points[:, 0].mean()
    model.follow(shifted)
    moved = model.points[:, 0].mean() - before
    assert moved == pytest.approx(ModelConfig().trust * 0.2, abs=0.02)


def test_it_never_reads_the_plants_material(model, seen):
    again = PredictionModel(ModelConfig())
    again.begin(seen)
    assert (again.predict_pick(PICK) == model.predict_pick(PICK)).all()
    assert (again.positions == model.positions).all()


def test_it_follows_a_pick_that_is_seen_to_happen(model):
    env = ClothEnv("fold-diagonal", engine="xpbd")
    observation, _ = env.reset(seed=1)
    follower = PickFollower(PICK)
    while not follower.is_done:
        observation, *_ = env.step(follower.act(observing.read(observation)))
        model.follow(observing.read(observation))
    truth = env.episode.frame.from_table(env.engine.positions)[env._seen_vertices]
    assert np.linalg.norm(model.points - truth, axis=1).mean() < 0.05
