"""Ways to take an object, from its geometry."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import mink
import numpy as np

from regard.world.motion.path import shifted
from regard.world.objects.contract import Instance
from regard.world.physics import Physics
from regard.world.skills.perception import Perception

NUM_YAWS = 12
LEANS_RAD = (0.0, 0.35, 0.7, 1.0)
"""A hand that comes from the side may come from above the horizontal by so much."""
ASKEW_RAD = (0.3, -0.3)
STEEP = 0.9
"""An approach whose downward part is larger than this comes straight from above."""
FINGERTIP_M = 0.0185
"""How far the shut fingers reach beyond the point between the pads."""
FINGER_HALF_WIDTH_M = 0.011
"""How far a finger reaches to the sides of the point between the pads, across the closing."""
FLOOR_MARGIN_M = 0.004
"""What stays between the fingertips and what the object stands on: two errors of a look."""
SIDEWAYS = 0.5
"""An approach whose downward part is smaller than this comes from the side."""


@dataclass(frozen=True, kw_only=True)
class Grasp:
    """One way to take one object."""

    site: str
    """The site it is built on: `grasp_rim_0`."""

    hand_in_object: mink.SE3
    """Pose of the point between the pads in the frame of the object's body."""

    @property
    def part(self) -> str:
        """What is taken: `rim`, `body`, `handle`."""
        return self.site.split("_")[1]

    def hand(self, object_pose: mink.SE3) -> mink.SE3:
        """Where the hand must be for an object that is there."""
        return object_pose @ self.hand_in_object

    def above_ground(self, object_pose: mink.SE3, *, floor_m: float = 0.0) -> Grasp:
        """The same, so far up that the fingers stay off what is below.

        Args:
            object_pose: Where the object is.
            floor_m: What is below, above the object's own origin: by default what it stands on.
        """
        hand = self.hand(object_pose)
        rotation = hand.rotation().as_matrix()
        low = FINGERTIP_M * rotation[2, 2] - FINGER_HALF_WIDTH_M * abs(rotation[2, 1])
        lack = object_pose.translation()[2] + floor_m + FLOOR_MARGIN_M - hand.translation()[2] - low
        if lack <= 0:
            return self
        raised = shifted(hand, np.array([0, 0, lack]))
        return Grasp(site=self.site, hand_in_object=object_pose.inverse() @ raised)

    def approach(self, object_pose: mink.SE3) -> np.ndarray:
        """(3,) unit vector along which the hand comes, in the world."""
        return np.asarray(self.hand(object_pose).rotation().as_matrix()[:, 2])


def candidates(physics: Physics, perception: Perception, *, instance: Instance) -> list[Grasp]:
    """Every way to take an object, not yet looked at for reach or obstacles."""
    prefix = f"{instance.name}/grasp_"
    found = []
    for full_name in physics.names("site", prefix):
        site = full_name.split("/", 1)[1]
        base = perception.offset(instance.name, site)
        for turned in _turned(base, everywhere=instance.spec.symmetric):
            for tilted in (*leaning(turned), *_askew(turned)):
                found += [Grasp(site=site, hand_in_object=hand) for hand in either_way(tilted)]
    return found


def _turned(base: mink.SE3, *, everywhere: bool) -> Iterator[mink.SE3]:
    num = NUM_YAWS if everywhere else 1
    for index in range(num):
        turn = mink.SO3.from_z_radians(2 * math.pi * index / num)
        yield mink.SE3.from_rotation(turn) @ base


def leaning(base: mink.SE3) -> Iterator[mink.SE3]:
    """Comes from the side, and from obliquely above with the same closing direction."""
    approach = base.rotation().as_matrix()[:, 2]
    if -approach[2] > SIDEWAYS:
        yield base
        return
    closing = base.rotation().as_matrix()[:, 0]
    # Turning about the closing direction lowers the approach in one of the two senses.
    sense = 1.0 if np.cross(closing, approach)[2] < 0 else -1.0
    for lean in LEANS_RAD:
        turn = mink.SO3.exp(np.asarray(closing) * sense * lean)
        yield mink.SE3.from_rotation_and_translation(turn @ base.rotation(), base.translation())


def _askew(base: mink.SE3) -> Iterator[mink.SE3]:
    """Not quite straight from above: the wrist passes what stands high beside the object."""
    rotation = base.rotation().as_matrix()
    if -rotation[2, 2] > STEEP:
        for lean in ASKEW_RAD:
            turn = mink.SO3.exp(np.asarray(rotation[:, 0]) * lean)
            yield mink.SE3.from_rotation_and_translation(turn @ base.rotation(), base.translation())


def either_way(base: mink.SE3) -> Iterator[mink.SE3]:
    """The two fingers are alike."""
    yield base
    yield base @ mink.SE3.from_rotation(mink.SO3.from_z_radians(math.pi))
