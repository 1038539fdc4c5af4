"""The MuJoCo cloth: golden physics."""

import numpy as np
import pytest

from regard.cloth import mesh, metrics
from regard.cloth.engines.contract import ClothProperties, Hold
from regard.cloth.engines.mujoco_engine import RADIUS, MujocoEngine

PROPERTIES = ClothProperties()
GOLDEN_DISTANCE, GOLDEN_DRIFT = 0.0056, 0.0012
"""Of a diagonal fold of the default cloth in MuJoCo 3.17.0 [m]."""


def laid_flat():
    engine = MujocoEngine()
    engine.reset(PROPERTIES, mesh.flat_positions(9, PROPERTIES.size, height=RADIUS))
    return engine


@pytest.fixture(scope="module")
def folded():
    """A diagonal fold along a half ellipse, and the cloth before it."""
    engine = laid_flat()
    start = engine.positions
    for step in range(1, 27):
        angle = np.pi * step / 26
        along = (start[80] - start[0]) * (1 - np.cos(angle)) / 2
        engine.advance(Hold(0, start[0] + along + (0, 0, 0.15 * np.sin(angle) + 0.006)))
    for _ in range(10):
        engine.advance()
    return engine, start


def test_a_diagonal_fold_has_the_golden_figures(folded):
    engine, start = folded
    found = metrics.fold_figures("diagonal", engine.positions, start)
    assert found.fold_distance == pytest.approx(GOLDEN_DISTANCE, abs=0.001)
    assert found.base_drift == pytest.approx(GOLDEN_DRIFT, abs=0.001)


def test_no_vertex_of_the_upper_layer_sinks_into_the_lower(folded):
    engine, start = folded
    pairs = metrics.fold_map("diagonal", 9)
    # Triangles that share an edge do not collide: beside the crease the halves may touch.
    is_far = np.linalg.norm(start[pairs.moving] - start[pairs.base], axis=1) > 0.06
    gaps = (engine.positions[pairs.moving] - engine.positions[pairs.base])[is_far, 2]
    assert gaps.min() > 1.8 * RADIUS
    assert np.median(gaps) == pytest.approx(2 * RADIUS, abs=0.0005)


def test_a_dropped_cloth_loses_its_energy_and_gains_none():
    engine = laid_flat()
    resting = engine.energy()
    engine.data.qpos[2::3] += 0.1
    energies = [engine.energy()]
    for _ in range(15):
        engine.advance()
        energies.append(engine.energy())
    weight = PROPERTIES.mass * 9.81
    dropped = weight * 0.1
    assert energies[0] - resting == pytest.approx(dropped)
    # What the soft contact stores at the impact it gives back: no more than that.
    assert max(np.diff(energies)) < 0.1 * dropped
    assert energies[-1] == pytest.approx(resting, abs=weight * 0.0005)


def test_the_vertices_weigh_what_the_cloth_weighs():
    engine = laid_flat()
    assert engine.model.body_mass.sum() == pytest.approx(PROPERTIES.mass)


def test_a_stiffer_cloth_sags_less():
    heights = []
    for thickness in (1e-3, 3e-3):
        engine = MujocoEngine()
        properties = ClothProperties(thickness=thickness)
        engine.reset(properties, mesh.flat_positions(9, 0.3, height=RADIUS))
        for step in range(1, 11):
            engine.advance(Hold(40, np.array([0, 0, 0.01 * step])))
        heights.append(engine.positions[:, 2].mean())
    assert heights[1] > heights[0] + 0.002
