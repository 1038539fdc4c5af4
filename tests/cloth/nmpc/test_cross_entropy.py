"""The cross-entropy search."""

import numpy as np
import pytest

from regard.cloth.nmpc.cross_entropy import SearchConfig, minimise

GOAL = np.array([1.0, -2.0])


def squared_distance(x):
    return float(((x - GOAL) ** 2).sum())


def search(**changes):
    options = {
        "rng": np.random.default_rng(0),
        "config": SearchConfig(population=40, elites=8, rounds=12, inertia=0.1),
    } | changes
    return minimise(squared_distance, np.zeros(2), np.full(2, 2.0), **options)


def test_it_finds_the_bottom_of_a_bowl():
    best, least = search()
    assert best == pytest.approx(GOAL, abs=0.02)
    assert least == squared_distance(best)


def test_it_never_does_worse_than_the_mean_it_was_given():
    best, least = minimise(
        squared_distance,
        GOAL,
        np.ones(2),
        rng=np.random.default_rng(0),
        config=SearchConfig(population=5, elites=2, rounds=1),
    )
    assert (best == GOAL).all()
    assert least == 0


def test_it_ends_when_a_sample_is_good_enough():
    tried = []

    def counted(x):
        tried.append(x)
        return squared_distance(x)

    minimise(
        counted,
        np.zeros(2),
        np.full(2, 2.0),
        rng=np.random.default_rng(0),
        config=SearchConfig(population=40, rounds=10),
        good_enough=4.0,
    )
    assert squared_distance(tried[-1]) <= 4.0
    assert all(squared_distance(x) > 4.0 for x in tried[:-1])


def test_a_known_cost_of_the_mean_is_not_computed_again():
    tried = []
    minimise(
        lambda x: tried.append(x) or 1.0,
        np.zeros(2),
        np.ones(2),
        rng=np.random.default_rng(0),
        config=SearchConfig(population=4, elites=2, rounds=1),
        mean_cost=1.0,
    )
    assert len(tried) == 3
    assert not any((x == 0).all() for x in tried)


def test_the_same_chance_gives_the_same_result():
    assert (search()[0] == search()[0]).all()
