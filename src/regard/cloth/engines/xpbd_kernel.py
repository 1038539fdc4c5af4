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
    softness = compliances / (time_step * time_step)
    bend_softness = bend_compliance / (time_step * time_step)
    before = np.empty_like(positions)
    squares = np.empty(count)
    near = np.empty((count * 24, 2), np.int64)
    num_near = 0
    for step in range(num_steps):
        if step % steps_per_search == 0:
            num_near = find_near(positions, layer_gap, rest_gap, squares, near)
        before[:] = positions
        fall(positions, velocities, time_step)
        if held >= 0:
            share = (step + 1.0) / num_steps
            for k in range(3):
                positions[held, k] = start[k] + (target[k] - start[k]) * share
        is_forward = step % 2 == 0
        solve_springs(positions, weights, springs, rest_lengths, softness, is_forward)
        solve_bends(positions, weights, bends, bend_softness, is_forward)
        separate(positions, before, weights, near, num_near, layer_gap, friction, time_step)
        touch_floor(positions, before, weights, floor, friction)
        for i in range(count):
            for k in range(3):
                velocities[i, k] = (positions[i, k] - before[i, k]) / time_step


@compiled
def fall(positions: Array, velocities: Array, time_step: float) -> None:
    """A step under gravity and the air alone, in place."""
    for i in range(positions.shape[0]):
        velocities[i, 2] -= GRAVITY * time_step
        for k in range(3):
            velocities[i, k] *= 1.0 - AIR_DAMPING * time_step
            positions[i, k] += velocities[i, k] * time_step


@compiled
def solve_springs(
    positions: Array,
    weights: Array,
    springs: IntArray,
    rest_lengths: Array,
    softness: Array,
    is_forward: bool,
) -> None:
    """One sweep over the distance constraints, in place; softness is compliance / step^2.

    Vertices are unsigned here and below: an index that may be negative costs a comparison.
    """
    count = springs.shape[0]
    for number in range(count):
        c = np.uintp(number if is_forward else count - 1 - number)
        i, j = np.uintp(springs[c, 0]), np.uintp(springs[c, 1])
        xi, yi, zi = positions[i, 0], positions[i, 1], positions[i, 2]
        xj, yj, zj = positions[j, 0], positions[j, 1], positions[j, 2]
        dx, dy, dz = xi - xj, yi - yj, zi - zj
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        total = weights[i] + weights[j] + softness[c]
        if length < 1e-9 or total <= 0.0:
            continue
        push = -(length - rest_lengths[c]) / (total * length)
        push_i, push_j = weights[i] * push, weights[j] * push
        positions[i, 0] = xi + push_i * dx
        positions[i, 1] = yi + push_i * dy
        positions[i, 2] = zi + push_i * dz
        positions[j, 0] = xj - push_j * dx
        positions[j, 1] = yj - push_j * dy
        positions[j, 2] = zj - push_j * dz


@compiled
def solve_bends(
    positions: Array,
    weights: Array,
    bends: IntArray,
    softness: float,
    is_forward: bool,
) -> None:
    """One sweep over the curvature constraints |a - 2 b + c| = 0, in place."""
    count = bends.shape[0]
    for number in range(count):
        r = np.uintp(number if is_forward else count - 1 - number)
        a, b, c = np.uintp(bends[r, 0]), np.uintp(bends[r, 1]), np.uintp(bends[r, 2])
        xa, ya, za = positions[a, 0], positions[a, 1], positions[a, 2]
        xb, yb, zb = positions[b, 0], positions[b, 1], positions[b, 2]
        xc, yc, zc = positions[c, 0], positions[c, 1], positions[c, 2]
        total = weights[a] + 4.0 * weights[b] + weights[c] + softness
        x = -(xa - 2.0 * xb + xc) / total
        y = -(ya - 2.0 * yb + yc) / total
        z = -(za - 2.0 * zb + zc) / total
        wa, wb, wc = weights[a], 2.0 * weights[b], weights[c]
        positions[a, 0], positions[a, 1], positions[a, 2] = xa + wa * x, ya + wa * y, za + wa * z
        positions[b, 0], positions[b, 1], positions[b, 2] = xb - wb * x, yb - wb * y, zb - wb * z
        positions[c, 0], positions[c, 1], positions[c, 2] = xc + wc * x, yc + wc * y, zc + wc * z


@compiled
def find_near(
    positions: Array, layer_gap: float, rest_gap: Array, squares: Array, near: IntArray
) -> int:
    """Lists the pairs that may touch before the next search; returns how many.

    Each row of squared distances is computed before it is looked through: the first loop has no
    branch and runs on vectors. `squares`, shape (n,), is its space.
    """
    count = positions.shape[0]
    x, y, z = positions[:, 0].copy(), positions[:, 1].copy(), positions[:, 2].copy()
    reach = 1.6 * layer_gap
    found = 0
    for i in range(count - 1):
        rest, xs, ys, zs = rest_gap[i, i + 1 :], x[i + 1 :], y[i + 1 :], z[i + 1 :]
        for j in range(xs.shape[0]):
            dx, dy, dz = x[i] - xs[j], y[i] - ys[j], z[i] - zs[j]
            squares[j] = dx * dx + dy * dy + dz * dz
        for j in range(xs.shape[0]):
            if squares[j] < reach * reach and rest[j] > layer_gap * 1.5 and found < near.shape[0]:
                near[found, 0] = i
                near[found, 1] = i + 1 + j
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
        i, j = np.uintp(near[pair, 0]), np.uintp(near[pair, 1])
        dx = positions[i, 0] - positions[j, 0]
        dy = positions[i, 1] - positions[j, 1]
        dz = positions[i, 2] - positions[j, 2]
        square = dx * dx + dy * dy + dz * dz
        total = weights[i] + weights[j]
        if square >= layer_gap * layer_gap or square < 1e-18 or total <= 0.0:
            continue
        length = np.sqrt(square)
        depth = min(layer_gap - length, MAX_PUSH_SPEED * time_step)
        push = depth / (total * length) * length
        nx, ny, nz = dx / length, dy / length, dz / length
        sx = positions[i, 0] - before[i, 0] - positions[j, 0] + before[j, 0]
        sy = positions[i, 1] - before[i, 1] - positions[j, 1] + before[j, 1]
        sz = positions[i, 2] - before[i, 2] - positions[j, 2] + before[j, 2]
        along = sx * nx + sy * ny + sz * nz
        sx, sy, sz = sx - along * nx, sy - along * ny, sz - along * nz
        sliding = np.sqrt(sx * sx + sy * sy + sz * sz)
        grip = min(1.0, friction * depth / sliding) / total if sliding > 1e-12 else 0.0
        cx, cy, cz = push * nx - grip * sx, push * ny - grip * sy, push * nz - grip * sz
        positions[i, 0] += weights[i] * cx
        positions[i, 1] += weights[i] * cy
        positions[i, 2] += weights[i] * cz
        positions[j, 0] -= weights[j] * cx
        positions[j, 1] -= weights[j] * cy
        positions[j, 2] -= weights[j] * cz


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
