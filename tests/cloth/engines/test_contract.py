"""What every engine must do alike."""

import numpy as np
import pytest

from regard.cloth import mesh
from regard.cloth.engines import ENGINES, make_engine
from regard.cloth.engines.contract import ClothProperties, Hold
from regard.cloth.engines.mujoco_engine import RADIUS
from regard.cloth.errors import ClothError

PROPERTIES = ClothProperties()


@pytest.fixture(params=ENGINES)
def engine(request):
    made = make_engine(request.param)
    made.reset(PROPERTIES, mesh.flat_positions(made.resolution, PROPERTIES.size, height=RADIUS))
    return made


def lift(engine, steps=8):
    start = engine.positions[0]
    for step in range(1, steps + 1):
        engine.advance(Hold(0, start + (0.02 * step, 0.02 * step, 0.01 * step)))


def test_a_cloth_at_rest_stays_at_rest(engine):
    before = engine.positions
    for _ in range(5):
        engine.advance()
    assert np.abs(engine.positions - before).max() < 1e-3


def test_the_held_vertex_goes_where_it_is_led(engine):
    target = engine.positions[0] + (0.16, 0.16, 0.08)
    lift(engine)
    engine.advance(Hold(0, target))
    assert engine.positions[0] == pytest.approx(target, abs=0.003)


def test_a_released_cloth_falls_back_onto_the_table(engine):
    lift(engine)
    assert engine.positions[:, 2].max() > 0.06
    for _ in range(12):
        engine.advance()
    assert engine.positions[:, 2].max() < 0.05
    assert engine.positions[:, 2].min() > 0


def test_threads_are_not_stretched_much(engine):
    lift(engine)
    grid = engine.positions.reshape(engine.resolution, engine.resolution, 3)
    spacing = PROPERTIES.size / (engine.resolution - 1)
    lengths = np.linalg.norm(np.diff(grid, axis=0), axis=-1)
    assert lengths.max() < 1.15 * spacing


def test_going_back_to_a_state_repeats_what_follows_exactly(engine):
    lift(engine, 3)
    state = engine.state()
    lift(engine, 4)
    first = engine.positions
    engine.restore(state)
    lift(engine, 4)
    assert (engine.positions == first).all()


def test_an_exploded_cloth_is_reported(engine):
    assert not engine.diverged
    engine.advance(Hold(0, np.array([1e4, 1e4, 1e4])))
    engine.advance()
    assert engine.diverged


def test_positions_are_a_copy(engine):
    engine.positions[:] = 7
    assert engine.positions.max() < 1


def test_an_unknown_engine_or_resolution_is_refused():
    with pytest.raises(ClothError, match="'pyflex'.*mujoco, xpbd"):
        make_engine("pyflex")
    with pytest.raises(ClothError, match="resolution of 10"):
        make_engine("xpbd", 10)
