"""A seated person: a head and torso that the arm keeps out of, eyes that see, a hand-over point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import mujoco

from regard.world.table import TABLE_TOP_Z_M

PREFIX = "person_"
"""Every geom of the person is named so."""
PERSON_X_M = -0.50
EYES_M = (-0.41, 0.0, 1.19)
"""Midway between the eyes: 0.47 m above the table, 0.6-0.9 m from what stands on it."""
HANDOVER_M = (-0.17, 0.0, TABLE_TOP_Z_M + 0.24)
"""Where things are handed over: in front of the chest, 0.2 m from it."""

SKIN = (0.80, 0.62, 0.51, 1.0)
HAIR = (0.30, 0.23, 0.19, 1.0)
PULLOVER = (0.36, 0.46, 0.50, 1.0)
TROUSERS = (0.32, 0.33, 0.38, 1.0)
CHAIR = (0.22, 0.22, 0.24, 1.0)


class _Limb(NamedTuple):
    name: str
    start: Sequence[float]
    end: Sequence[float]
    radius: float
    colour: Sequence[float]


def _limbs() -> list[_Limb]:
    """Capsules of the body of a seated adult: the seat at 0.43 m, shoulders 0.55 m above it."""
    x = PERSON_X_M
    limbs = [
        _Limb("torso", (x, 0, 0.62), (x, 0, 0.92), 0.135, PULLOVER),
        _Limb("shoulders", (x, -0.14, 0.98), (x, 0.14, 0.98), 0.075, PULLOVER),
        _Limb("neck", (x, 0, 1.03), (x + 0.01, 0, 1.09), 0.052, SKIN),
    ]
    for side, sign in (("right", -1), ("left", 1)):
        limbs += [
            _Limb(
                f"arm_{side}_upper",
                (x, sign * 0.19, 0.96),
                (x + 0.02, sign * 0.27, 0.74),
                0.048,
                PULLOVER,
            ),
            _Limb(
                f"arm_{side}_lower",
                (x + 0.02, sign * 0.27, 0.72),
                (x + 0.13, sign * 0.24, 0.70),
                0.040,
                PULLOVER,
            ),
            _Limb(
                f"leg_{side}", (x, sign * 0.10, 0.50), (x + 0.42, sign * 0.11, 0.50), 0.07, TROUSERS
            ),
            _Limb(
                f"shin_{side}",
                (x + 0.42, sign * 0.11, 0.47),
                (x + 0.40, sign * 0.11, 0.08),
                0.055,
                TROUSERS,
            ),
        ]
    return limbs


def add_person(scene: mujoco.MjSpec) -> None:
    """Adds the person; geoms `person_*`, sites `person_eyes` and `handover`."""
    body = scene.worldbody.add_body(name="person")
    for name, start, end, radius, colour in _limbs():
        body.add_geom(
            name=PREFIX + name,
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            fromto=[*start, *end],
            size=[radius, 0, 0],
            rgba=list(colour),
        )
    _add_head(body)
    body.add_site(name="person_eyes", pos=list(EYES_M), size=[0.005, 0, 0], group=4)
    scene.worldbody.add_site(name="handover", pos=list(HANDOVER_M), size=[0.01, 0, 0], group=4)


def _add_head(body: mujoco.MjsBody) -> None:
    head_x = PERSON_X_M + 0.01
    ellipsoid = mujoco.mjtGeom.mjGEOM_ELLIPSOID
    body.add_geom(
        name=PREFIX + "head",
        type=ellipsoid,
        pos=[head_x, 0, 1.19],
        size=[0.098, 0.078, 0.115],
        rgba=list(SKIN),
    )
    # Hair, eyes and chair are only drawn.
    shapes = [
        (ellipsoid, (head_x - 0.022, 0.0, 1.222), (0.092, 0.084, 0.098), HAIR),
        (ellipsoid, (head_x + 0.100, 0.0, 1.170), (0.014, 0.010, 0.018), SKIN),
    ]
    for side in (-1, 1):
        eye = (head_x + 0.088, side * 0.031, EYES_M[2])
        shapes.append((ellipsoid, eye, (0.008, 0.011, 0.008), CHAIR))
        shapes.append((ellipsoid, (head_x, side * 0.078, 1.18), (0.018, 0.010, 0.026), SKIN))
    box = mujoco.mjtGeom.mjGEOM_BOX
    shapes += [
        (box, (PERSON_X_M + 0.02, 0.0, 0.405), (0.22, 0.21, 0.025), CHAIR),
        (box, (PERSON_X_M - 0.19, 0.0, 0.66), (0.02, 0.20, 0.25), CHAIR),
    ]
    for kind, position, size, colour in shapes:
        body.add_geom(
            type=kind,
            pos=list(position),
            size=list(size),
            rgba=list(colour),
            contype=0,
            conaffinity=0,
        )
