"""The mass-spring engine: its springs, and layers that stay apart."""

import numpy as np
import pytest

from regard.cloth import mesh, metrics
from regard.cloth.engines.contract import ClothProperties, Hold
from regard.cloth.engines.mujoco_engine import RADIUS
from regard.cloth.engines.xpbd_engine import GAP_PER_SPACING, XpbdEngine, springs_of

PROPERTIES = ClothProperties()


def test_a_three_by_three_cloth_has_its_springs():
    springs = springs_of(3)
    assert len(springs.pairs) == 12 + 8
    assert springs.lengths.sum() == pytest.approx(12 + 8 * 2**0.5)
    assert len(springs.bends) == 6
    assert springs.distances[0, 8] == pytest.approx(2 * 2**0.5)


def test_a_folded_cloth_keeps_its_layers_apart():
    engine = XpbdEngine()
    engine.reset(PROPERTIES, mesh.flat_positions(13, PROPERTIES.size, height=RADIUS))
    start = engine.positions
    for step in range(1, 27):
        angle = np.pi * step / 26
        along = (start[-1] - start[0]) * (1 - np.cos(angle)) / 2
        engine.advance(Hold(0, start[0] + along + (0, 0, 0.15 * np.sin(angle) + 0.02)))
    for _ in range(10):
        engine.advance()
    positions = engine.positions
    found = metrics.fold_figures("diagonal", positions, start)
    assert found.fold_distance < 0.15 * PROPERTIES.size
    pairs = metrics.fold_map("diagonal", 13)
    # Next to the crease the two halves are one layer.
    far = springs_of(13).distances[pairs.moving, pairs.base] > 3
    apart = np.linalg.norm(positions[pairs.moving] - positions[pairs.base], axis=1)[far]
    assert apart.min() > 0.9 * GAP_PER_SPACING * PROPERTIES.size / 12
    assert ((positions[pairs.moving] - positions[pairs.base])[far, 2] > 0).all()


def test_a_hanging_cloth_stretches_as_its_springs_say():
    engine = XpbdEngine(9)
    engine.reset(PROPERTIES, mesh.flat_positions(9, PROPERTIES.size, height=RADIUS))
    for step in range(1, 31):
        engine.advance(Hold(40, np.array([0, 0, 0.012 * step])))
    for _ in range(20):
        engine.advance(Hold(40, np.array([0, 0, 0.36])))
    lengths = np.linalg.norm(np.diff(engine.positions.reshape(9, 9, 3), axis=0), axis=-1)
    spacing = PROPERTIES.size / 8
    # Four threads carry the whole weight at the held vertex. One sweep a step adds the masses'
    # own compliance, dt^2 (w + w), to that of a spring; at the hold one mass is infinite.
    compliance = 1 / (PROPERTIES.young * PROPERTIES.thickness)
    compliance += 0.0025**2 * 81 / PROPERTIES.mass
    stretch = PROPERTIES.mass * 9.81 / 4 * compliance / spacing
    assert 0.5 * stretch < lengths.max() / spacing - 1 < 2 * stretch
