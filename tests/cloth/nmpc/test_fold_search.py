"""The oracle's search for a fold."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.nmpc import plans
from regard.cloth.nmpc.cross_entropy import SearchConfig
from regard.cloth.nmpc.fold_search import FoldSearch, FoldSearchConfig
from regard.cloth.nmpc.rehearsal import Outcome, Rehearsal

CONFIG = FoldSearchConfig(search=SearchConfig(population=4, elites=2, rounds=2))
NUM_PLAIN = len(
    list(
        plans.usual_folds(
            "diagonal", plans.GRASP_ORDERS["diagonal"], CONFIG.heights, CONFIG.overshoots
        )
    )
)


@pytest.fixture
def search():
    rehearsal = Rehearsal(ClothEnv("fold-diagonal", engine="xpbd", resolution=9))
    return FoldSearch(rehearsal, CONFIG, np.random.default_rng(0))


def rollouts(costs):
    """Stands in for the plant: a rollout's number is all that it did."""
    numbers = itertools.count()

    def simulate(*_):
        number = next(numbers)
        return Outcome([number], None, None, costs.get(number, 0.5))

    return simulate


def test_the_first_success_ends_the_search(search, monkeypatch):
    monkeypatch.setattr(search, "_simulate", rollouts({1: 0.0, 2: 0.0}))
    assert search.find(None, None) == [1]


def test_without_success_the_best_of_all_is_returned(search, monkeypatch):
    simulate = rollouts({3: 0.3, NUM_PLAIN + 5: 0.2})
    monkeypatch.setattr(search, "_simulate", simulate)
    assert search.find(None, None) == [NUM_PLAIN + 5]
    # At most two rounds of four around the best plain arc.
    assert simulate().actions <= [NUM_PLAIN + 8]


def test_a_cost_is_by_how_much_each_limit_is_missed(search):
    env = search._rehearsal.env
    env.reset(seed=1)
    limits = env.task.criteria
    size = env.episode.conditions.properties.size
    figures = {
        "fold_distance": 1.5 * limits.fold_distance * size,
        "corner_distance": 0.9 * limits.corner_distance * size,
        "base_drift": 2.0 * limits.base_drift * size,
    }
    env.episode.judgement = SimpleNamespace(is_success=False, figures=figures)
    assert search._cost() == pytest.approx(0.5 + 1.0)
    assert search._drift_share() == pytest.approx(2.0)
