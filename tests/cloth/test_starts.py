"""How the cloth lies before a policy acts."""

import numpy as np
import pytest

from regard.cloth import metrics, starts
from regard.cloth.conditions import TRAINING, draw_conditions
from regard.cloth.engines import ENGINES, make_engine


def start(seed, name="xpbd"):
    rng = np.random.default_rng(seed)
    return make_engine(name), rng, draw_conditions(rng, TRAINING, any_yaw=True)


def test_a_flat_cloth_lies_where_the_conditions_want_it():
    engine, _, conditions = start(0)
    starts.lay_flat(engine, conditions)
    assert engine.positions.mean(axis=0)[:2] == pytest.approx(conditions.shift)
    assert metrics.coverage(engine.positions, conditions.properties.size) > 0.97


@pytest.mark.parametrize("name", ENGINES)
def test_a_wrinkled_cloth_is_nearly_flat_but_not_quite(name):
    for seed in range(3):
        engine, rng, conditions = start(seed, name)
        starts.lay_flat(engine, conditions)
        starts.wrinkle(engine, rng, conditions.properties.size)
        covered = metrics.coverage(engine.positions, conditions.properties.size)
        assert 0.7 < covered <= starts.WRINKLED_COVERAGE


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("max_coverage", [0.3, 0.5])
def test_a_crumpled_cloth_covers_as_little_as_asked_and_lies_in_place(seed, max_coverage):
    engine, rng, conditions = start(seed)
    starts.crumple(engine, rng, conditions, max_coverage=max_coverage)
    positions = engine.positions
    assert metrics.coverage(positions, conditions.properties.size) <= max_coverage
    middle = (positions.min(axis=0) + positions.max(axis=0))[:2] / 2
    assert middle == pytest.approx(conditions.shift, abs=0.02)


def test_a_cloth_that_opens_when_brought_to_its_place_is_lifted_again(monkeypatch):
    engine, rng, conditions = start(0)
    opened = []

    def bring_back(engine, conditions):
        if not opened:
            starts.lay_flat(engine, conditions)
        opened.append(metrics.coverage(engine.positions, conditions.properties.size))

    monkeypatch.setattr(starts, "_bring_back", bring_back)
    starts.crumple(engine, rng, conditions, max_coverage=0.5)
    assert opened[0] > 0.9
    assert opened[-1] <= 0.5


def test_a_cloth_that_does_not_crumple_is_an_error(monkeypatch):
    engine, rng, conditions = start(0)
    monkeypatch.setattr(starts, "_lift_and_drop", lambda *_: None)
    with pytest.raises(RuntimeError, match="did not crumple"):
        starts.crumple(engine, rng, conditions, max_coverage=0.5)
