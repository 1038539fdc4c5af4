"""How the cloth lies at the start of an episode."""

from __future__ import annotations

import numpy as np

from regard.cloth import mesh, metrics
from regard.cloth.conditions import Conditions
from regard.cloth.engines.contract import CONTROL_PERIOD, ClothEngine, Hold
from regard.cloth.engines.mujoco_engine import RADIUS
from regard.cloth.frame import Frame
from regard.cloth.mesh import Array

MAX_LIFTS = 12
"""Lifts after which a cloth that is still too flat is smoothed out and crumpled anew."""
MAX_ATTEMPTS = 20
"""Cloths crumpled anew before the simulation is given up as broken."""
WRINKLED_COVERAGE = 0.98
"""A cloth that covers no more of its flat area than this is wrinkled."""
WRINKLE_HEIGHT = 0.25
"""How high the point is led, in edges of the cloth."""
WRINKLE_PUSHES = 0.1 * np.arange(6)
"""How much farther its boundary is pushed in each time, in edges of the cloth."""
CARRY_SPEED = 0.4
"""Of a lifted vertex [m/s]."""
SETTLE_STEPS = 10
"""Control steps in which a dropped cloth comes to rest."""


def lay_flat(engine: ClothEngine, conditions: Conditions) -> None:
    """Lays the cloth flat, in the place and turn of the conditions."""
    frame = Frame(np.array([*conditions.shift, 0.0]), conditions.yaw, 1.0)
    flat = mesh.flat_positions(engine.resolution, conditions.properties.size, height=RADIUS)
    engine.reset(conditions.properties, frame.to_table(flat))


def wrinkle(engine: ClothEngine, rng: np.random.Generator, size: float) -> None:
    """Leads a point of the boundary inwards, farther each time, until a wrinkle or a flap stays."""
    grid = mesh.material_coordinates(engine.resolution) - 0.5
    vertex = int(rng.choice(np.flatnonzero(np.abs(grid).max(axis=1) == 0.5)))
    start = engine.positions
    inwards = start.mean(axis=0) - start[vertex]
    inwards *= size / np.linalg.norm(inwards)
    for push in rng.uniform(0.1, 0.2) + WRINKLE_PUSHES:
        here = engine.positions[vertex]
        there = start[vertex] + inwards * push
        carry(engine, vertex, (here + there) / 2 + (0.0, 0.0, WRINKLE_HEIGHT * size))
        carry(engine, vertex, there)
        settle(engine)
        if metrics.coverage(engine.positions, size) <= WRINKLED_COVERAGE:
            return


def crumple(
    engine: ClothEngine, rng: np.random.Generator, conditions: Conditions, *, max_coverage: float
) -> None:
    """Lifts and drops the cloth at random points until it covers so little, brought to its place.

    Args:
        engine: Simulates the cloth.
        rng: Draws the points.
        conditions: Size and place of the cloth.
        max_coverage: Largest share of the flat cloth's area that it may cover.

    Raises:
        RuntimeError: The cloth does not crumple: the simulation is broken.
    """
    size = conditions.properties.size
    for _ in range(MAX_ATTEMPTS):
        lay_flat(engine, conditions)
        for _ in range(MAX_LIFTS):
            _lift_and_drop(engine, rng, size)
            if engine.diverged:
                break
            if metrics.coverage(engine.positions, size) > max_coverage:
                continue
            _bring_back(engine, conditions)
            # At rest it may have opened again.
            if metrics.coverage(engine.positions, size) <= max_coverage:
                return
    raise RuntimeError(f"{conditions} did not crumple within {MAX_ATTEMPTS * MAX_LIFTS} lifts")


def carry(engine: ClothEngine, vertex: int, target: Array) -> None:
    """Leads a vertex to the target [m] in a straight line, at the carrying speed."""
    start = engine.positions[vertex]
    steps = int(np.ceil(np.linalg.norm(target - start) / (CARRY_SPEED * CONTROL_PERIOD)))
    for step in range(1, steps + 1):
        engine.advance(Hold(vertex, start + (target - start) * (step / steps)))


def settle(engine: ClothEngine, steps: int = SETTLE_STEPS) -> None:
    """Lets the cloth come to rest, held by nothing."""
    for _ in range(steps):
        engine.advance()


def _lift_and_drop(engine: ClothEngine, rng: np.random.Generator, size: float) -> None:
    vertex = int(rng.integers(engine.resolution**2))
    centre = engine.positions.mean(axis=0)
    height = np.array([0.0, 0.0, rng.uniform(0.4, 1.0) * size])
    carry(engine, vertex, engine.positions[vertex] + height)
    aside = np.append(rng.uniform(-0.3, 0.3, 2) * size, 0.0)
    carry(engine, vertex, centre * (1, 1, 0) + aside + height / 4)
    settle(engine)


def _bring_back(engine: ClothEngine, conditions: Conditions) -> None:
    """Shifts the crumpled cloth to where the conditions want it, at rest."""
    positions = engine.positions
    middle = (positions.min(axis=0) + positions.max(axis=0))[:2] / 2
    positions[:, :2] += np.array(conditions.shift) - middle
    engine.reset(conditions.properties, positions)
    settle(engine, 2)
