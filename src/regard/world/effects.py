"""What came of it, read from the simulated state and from nothing else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from regard.world.objects.contract import Instance
from regard.world.physics import Contacts, Physics

HANDOVER_SITE = "handover"
HANDOVER_RADIUS_M = 0.10
RESTING_M_S = 0.01
RIM_SLACK_M = 0.005
VESSEL_SLACK_M = 0.008


class Poured(NamedTuple):
    """Where the beads of a vessel are, as shares of all of them."""

    received: float
    """In the receiver."""

    kept: float
    """Still in the vessel."""

    spilled: float
    """Anywhere else."""


def centre_m(physics: Physics, name: str) -> np.ndarray:
    """(3,) centre of mass of an object."""
    body = physics.model.body(f"{name}/body").id
    return np.array(physics.data.subtree_com[body])


def speed_m_s(physics: Physics, name: str) -> float:
    """Speed of an object's body."""
    return float(np.linalg.norm(physics.body_velocity(f"{name}/body")[3:]))


def is_inside(physics: Physics, name: str, receiver: str) -> bool:
    """Whether an object's centre is in the space below a receiver's opening."""
    return bool(_inside(physics, centre_m(physics, name)[None], receiver, slack_m=0.0)[0])


def is_over_top(physics: Physics, name: str, receiver: str) -> bool:
    """Whether an object's centre is above a receiver's top, within its edge."""
    top = physics.site_pose(f"{receiver}/top")
    radius = float(physics.site_size(f"{receiver}/top")[0])
    offset = (centre_m(physics, name) - top.position_m) @ top.rotation
    return bool(np.hypot(offset[0], offset[1]) <= radius and offset[2] > -RIM_SLACK_M)


def rests(physics: Physics, contacts: Contacts, name: str, *, on: str) -> bool:
    """Whether an object touches a receiver and hardly moves."""
    return contacts.touch(f"{name}/", f"{on}/") and speed_m_s(physics, name) < RESTING_M_S


def is_at_handover(physics: Physics, name: str) -> bool:
    """Whether an object's centre is within 10 cm of where things are handed over."""
    place = physics.site_pose(HANDOVER_SITE).position_m
    return float(np.linalg.norm(centre_m(physics, name) - place)) <= HANDOVER_RADIUS_M


def poured(physics: Physics, source: Instance, receiver: str) -> Poured:
    """Where the beads of a vessel are."""
    places = np.array([physics.data.body(bead).xpos for bead in source.beads()])
    received = _inside(physics, places, receiver, slack_m=VESSEL_SLACK_M)
    kept = _inside(physics, places, source.name, slack_m=VESSEL_SLACK_M) & ~received
    count = len(places)
    return Poured(
        received=float(received.sum()) / count,
        kept=float(kept.sum()) / count,
        spilled=float((~received & ~kept).sum()) / count,
    )


def joint_share(physics: Physics, joint: str) -> float:
    """How far a joint is along its range, 0 to 1."""
    low, high = physics.joint_range(joint)
    return (physics.joint_position(joint) - low) / (high - low)


def opening_joint(physics: Physics, name: str) -> str | None:
    """The joint that opens an object, or None."""
    for kind in ("slide", "hinge"):
        if physics.has("joint", f"{name}/{kind}"):
            return f"{name}/{kind}"
    return None


def tilt_rad(physics: Physics, name: str) -> float:
    """Angle between an object's own vertical and the world's."""
    upright = physics.body_pose(f"{name}/body").rotation[2, 2]
    return float(np.arccos(np.clip(upright, -1, 1)))


def _inside(physics: Physics, points_m: np.ndarray, receiver: str, *, slack_m: float) -> np.ndarray:
    """(points,) True for a point (points, 3) in the space below an opening, down to the floor."""
    opening = physics.site_pose(f"{receiver}/opening")
    radius = float(physics.site_size(f"{receiver}/opening")[0]) + slack_m
    offset = (points_m - opening.position_m) @ opening.rotation
    body = physics.body_pose(f"{receiver}/body")
    depth = float((opening.position_m - body.position_m) @ opening.rotation[:, 2])
    across = np.hypot(offset[:, 0], offset[:, 1])
    inside = (across <= radius) & (offset[:, 2] <= RIM_SLACK_M + slack_m) & (offset[:, 2] >= -depth)
    return np.asarray(inside)
