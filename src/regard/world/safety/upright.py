"""Turns a tilted vessel upright, with neither planner nor model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from regard.world.arm.attach import TCP_SITE
from regard.world.arm.simulated import JOINTS

if TYPE_CHECKING:
    from regard.world.world import World

TILTED_RAD = 0.26
"""Beyond 15 degrees a full vessel spills."""
UPRIGHT_RAD = 0.05
TURN_RAD_S = 0.8
GAIN_PER_S = 3.0
DAMPING = 0.05
STEP_S = 0.02
MAX_S = 5.0
REST_RAD_S = 0.03
MAX_BRAKING_S = 0.5


def right_after_stop(world: World, *, advance: Callable[[float], None]) -> bool:
    """What a watchdog calls after a stop: waits for rest, then rights a vessel; the stop stays.

    Args:
        world: Where it happens.
        advance: Lets simulated time pass.

    Returns:
        Whether nothing tilted is held now.
    """
    for _ in range(round(MAX_BRAKING_S / STEP_S)):
        if np.abs(world.arm.state().velocity_rad_s).max() < REST_RAD_S:
            break
        advance(STEP_S)
    return turn_upright(world, advance=advance)


def turn_upright(world: World, *, advance: Callable[[float], None]) -> bool:
    """Rights what the hand holds if it is tilted, on the spot; the arm rests afterwards.

    Args:
        world: Where it happens; a stop that is in force stays.
        advance: Lets simulated time pass.

    Returns:
        Whether nothing tilted is held now.
    """
    name = world.holding()
    if name is None or _tilt(world, name) <= TILTED_RAD or not world.instances[name].spec.num_beads:
        return True
    still = np.zeros(len(JOINTS))
    arm = world.arm
    command = arm.command_velocity if arm.stop_reason is None else arm.command_righting
    try:
        for _ in range(round(MAX_S / STEP_S)):
            if _tilt(world, name) <= UPRIGHT_RAD:
                break
            with world.physics.lock:
                velocity = world.guard.govern(_righting_velocity(world, name))
            command(velocity)
            advance(STEP_S)
    finally:
        command(still)
    return _tilt(world, name) <= TILTED_RAD


def _tilt(world: World, name: str) -> float:
    upright = world.physics.body_pose(f"{name}/body").rotation[2, 2]
    return float(np.arccos(np.clip(upright, -1, 1)))


def _righting_velocity(world: World, name: str) -> np.ndarray:
    """(joints,) velocity that turns the vessel about its own place, by damped least squares."""
    physics = world.physics
    body = physics.body_pose(f"{name}/body")
    up = body.rotation[:, 2]
    axis = np.cross(up, [0, 0, 1])
    length = np.linalg.norm(axis)
    axis = axis / length if length > 1e-6 else body.rotation[:, 0]
    turn = axis * min(TURN_RAD_S, GAIN_PER_S * _tilt(world, name))
    jacobian = np.zeros((6, physics.model.nv))
    site = physics.model.site(TCP_SITE).id
    mujoco.mj_jacSite(physics.model, physics.data, jacobian[:3], jacobian[3:], site)
    jacobian = jacobian[:, physics.dof_addresses(JOINTS)]
    wanted = np.concatenate([np.zeros(3), turn])
    square = jacobian @ jacobian.T + DAMPING**2 * np.eye(6)
    return jacobian.T @ np.linalg.solve(square, wanted)
