"""Extended position-based dynamics (XPBD) of a mass-spring cloth, compiled.

Small steps with one iteration each, after Macklin et al., "Small Steps in Physics Simulation"
(2019); compliances after Macklin, Mueller, Chentanez, "XPBD" (2016).
"""

from __future__ import annotations

import numpy as np

from regard.cloth.compiled import compiled
from regard.cloth.mesh import Array, IntArray

GRAVITY = 9.81
AIR_DAMPING = 1.0
"""Share of the velocity lost in a second, for small steps."""
MAX_PUSH_SPEED = 1.0
"""Layers that overlap part at most this fast [m/s]."""


@compiled
def simulate(
    positions: Array,
    velocities: Array,
    inverse_mass: float,
    springs: IntArray,
    rest_lengths: Array,
    compliances: Array,
    bends: IntArray,
    bend_compliance: float,
    floor: float,
    layer_gap: float,
    rest_gap: Array,
    friction: float,
    held: int,
    target: Array,
    time_step: float,
    num_steps: int,
    steps_per_search: int,
) -> None:
    """Advances positions and velocities in place.

    Args:
        positions: Vertices [m], shape (n, 3).
        velocities: Of the vertices [m/s], shape (n, 3).
        inverse_mass: Of one vertex [1/kg].
        springs: Pairs of vertices, shape (s, 2).
        rest_lengths: Of the springs [m], shape (s,).
        compliances: Of the springs [m/N], shape (s,).
        bends: Triples in a row of the grid, shape (b, 3).
        bend_compliance: Of the second difference of a triple [m/N].
        floor: Lowest height of a vertex [m].
        layer_gap: Vertices that are not neighbours keep this distance [m].
        rest_gap: Distance of two vertices in the flat cloth [m], shape (n, n).
        friction: Coulomb coefficient, on the table and between layers.
        held: The vertex that is led; -1 for none.
        target: Where it is led in a straight line, shape (3,).
        time_step: Of one step [s].
        num_steps: Steps.
        steps_per_search: Steps between two searches for vertices that may touch.
    """
    count = positions.shape[0]
    weights = np.full(count, inverse_mass)
    start = np.zeros(3)
    if held >= 0:
        weights[held] = 0.0
        start[:] = positions[held]
    before = np.empty_like(positions)
    near = np.empty((count * 24, 2), np.int64)
    num_near = 0
    for step in range(num_steps):
        if step % steps_per_search == 0:
            num_near = find_near(positions, layer_gap, rest_gap, near)
        before[:] = positions
        for i in range(count):
            velocities[i, 2] -= GRAVITY * time_step
            for k in range(3):
                velocities[i, k] *= 1.0 - AIR_DAMPING * time_step
                positions[i, k] += velocities[i, k] * time_step
        if held >= 0:
            share = (step + 1.0) / num_steps
            for k in range(3):
                positions[held, k] = start[k] + (target[k] - start[k]) * share
        is_forward = step % 2 == 0
        solve_springs(positions, weights, springs, rest_lengths, compliances, time_step, is_forward)
        solve_bends(positions, weights, bends, bend_compliance, time_step, is_forward)
        separate(positions, before, weights, near, num_near, layer_gap, friction, time_step)
        touch_floor(positions, before, weights, floor, friction)
        for i in range(count):
            for k in range(3):
                velocities[i, k] = (positions[i, k] - before[i, k]) / time_step


@compiled
def solve_springs(
    positions: Array,
    weights: Array,
    springs: IntArray,
    rest_lengths: Array,
    compliances: Array,
    time_step: float,
    is_forward: bool,
) -> None:
    """One sweep over the distance constraints, in place."""
    count = springs.shape[0]
    for number in range(count):
        c = number if is_forward else count - 1 - number
        i, j = springs[c, 0], springs[c, 1]
        dx = positions[i, 0] - positions[j, 0]
        dy = positions[i, 1] - positions[j, 1]
        dz = positions[i, 2] - positions[j, 2]
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        total = weights[i] + weights[j] + compliances[c] / (time_step * time_step)
        if length < 1e-9 or total <= 0.0:
            continue
        push = -(length - rest_lengths[c]) / (total * length)
        positions[i, 0] += weights[i] * push * dx
        positions[i, 1] += weights[i] * push * dy
        positions[i, 2] += weights[i] * push * dz
        positions[j, 0] -= weights[j] * push * dx
        positions[j, 1] -= weights[j] * push * dy
        positions[j, 2] -= weights[j] * push * dz


@compiled
def solve_bends(
    positions: Array,
    weights: Array,
    bends: IntArray,
    compliance: float,
    time_step: float,
    is_forward: bool,
) -> None:
    """One sweep over the curvature constraints |a - 2 b + c| = 0, in place."""
    count = bends.shape[0]
    for number in range(count):
        r = number if is_forward else count - 1 - number
        a, b, c = bends[r, 0], bends[r, 1], bends[r, 2]
        total = weights[a] + 4.0 * weights[b] + weights[c] + compliance / (time_step * time_step)
        for k in range(3):
            push = -(positions[a, k] - 2.0 * positions[b, k] + positions[c, k]) / total
            positions[a, k] += weights[a] * push
            positions[b, k] -= 2.0 * weights[b] * push
            positions[c, k] += weights[c] * push


@compiled
def find_near(positions: Array, layer_gap: float, rest_gap: Array, near: IntArray) -> int:
    """Lists the pairs that may touch before the next search; returns how many."""
    count = positions.shape[0]
    reach = 1.6 * layer_gap
    found = 0
    for i in range(count):
        for j in range(i + 1, count):
            dx = positions[i, 0] - positions[j, 0]
            if dx > reach or dx < -reach or rest_gap[i, j] <= layer_gap * 1.5:
                continue
            dy = positions[i, 1] - positions[j, 1]
            dz = positions[i, 2] - positions[j, 2]
            if dx * dx + dy * dy + dz * dz < reach * reach and found < near.shape[0]:
                near[found, 0] = i
                near[found, 1] = j
                found += 1
    return found


@compiled
def separate(
    positions: Array,
    before: Array,
    weights: Array,
    near: IntArray,
    num_near: int,
    layer_gap: float,
    friction: float,
    time_step: float,
) -> None:
    """Pushes touching vertices apart, with friction between them, in place."""
    for pair in range(num_near):
        i, j = near[pair, 0], near[pair, 1]
        dx = positions[i, 0] - positions[j, 0]
        dy = positions[i, 1] - positions[j, 1]
        dz = positions[i, 2] - positions[j, 2]
        square = dx * dx + dy * dy + dz * dz
        total = weights[i] + weights[j]
        if square >= layer_gap * layer_gap or square < 1e-18 or total <= 0.0:
            continue
        length = np.sqrt(square)
        depth = min(layer_gap - length, MAX_PUSH_SPEED * time_step)
        push = depth / (total * length)
        slip = np.empty(3)
        along = 0.0
        normal = (dx / length, dy / length, dz / length)
        for k in range(3):
            slip[k] = positions[i, k] - before[i, k] - positions[j, k] + before[j, k]
            along += slip[k] * normal[k]
        sliding = 0.0
        for k in range(3):
            slip[k] -= along * normal[k]
            sliding += slip[k] * slip[k]
        sliding = np.sqrt(sliding)
        grip = min(1.0, friction * depth / sliding) / total if sliding > 1e-12 else 0.0
        for k in range(3):
            change = push * length * normal[k] - grip * slip[k]
            positions[i, k] += weights[i] * change
            positions[j, k] -= weights[j] * change


@compiled
def touch_floor(
    positions: Array, before: Array, weights: Array, floor: float, friction: float
) -> None:
    """Lifts vertices out of the table, with friction, in place."""
    for i in range(positions.shape[0]):
        depth = floor - positions[i, 2]
        if depth <= 0.0 or weights[i] == 0.0:
            continue
        positions[i, 2] = floor
        dx = positions[i, 0] - before[i, 0]
        dy = positions[i, 1] - before[i, 1]
        sliding = np.sqrt(dx * dx + dy * dy)
        if sliding > 1e-12:
            grip = min(1.0, friction * depth / sliding)
            positions[i, 0] -= grip * dx
            positions[i, 1] -= grip * dy
