"""Which drags are worth a try on the plant, by what they do on NMPC's model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.metrics import coverage
from regard.cloth.nmpc.model import ModelConfig, PredictionModel
from regard.cloth.policies.pick import Pick


def most_promising(env: ClothEnv, drags: Sequence[Pick]) -> list[Pick]:
    """The drags from the present cloth, those first that cover most on NMPC's model.

    A rollout of the model costs a fiftieth of one of the plant; the plant decides.
    """
    engine, episode = env.engine, env.episode
    model = PredictionModel(ModelConfig(resolution=engine.resolution))
    points = episode.frame.from_table(engine.positions)
    model.begin_at(points, episode.conditions.properties.size)
    begin, covered = model.state(), []
    for pick in drags:
        model.predict_pick(pick)
        covered.append(0.0 if model.has_diverged else coverage(model.positions, 1.0))
        model.restore(begin)
    return [drags[k] for k in np.argsort(-np.array(covered), kind="stable")]
