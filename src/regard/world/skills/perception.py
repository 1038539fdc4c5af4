"""What the skills believe about where things are: the truth with a camera's error."""

from __future__ import annotations

from dataclasses import dataclass

import mink
import numpy as np

from regard.world.motion.path import pose
from regard.world.physics import Physics


@dataclass(frozen=True, kw_only=True)
class PoseNoise:
    """Error of a perceived pose; new at every look."""

    position_m: float
    """Standard deviation along x and y each."""

    height_m: float
    """Standard deviation along z."""

    yaw_rad: float
    """Standard deviation about the vertical."""


# An RGB-D camera at 0.6 to 0.9 m: about 1 % of the distance beside, less after fitting a model.
RGBD_NOISE = PoseNoise(position_m=0.003, height_m=0.0015, yaw_rad=0.03)


class Perception:
    """Looks at objects, and at what their elements are on them."""

    def __init__(self, physics: Physics, *, noise: PoseNoise, seed: int) -> None:
        """Looks at one world.

        Args:
            physics: The world.
            noise: Error of every look.
            seed: Of the errors.
        """
        self._physics = physics
        self._noise = noise
        self._generator = np.random.default_rng(seed)

    def look(self, name: str) -> mink.SE3:
        """The believed pose of an object's body."""
        true = self._physics.body_pose(f"{name}/body")
        noise = self._noise
        beside = self._generator.normal(0, noise.position_m, 2)
        offset = np.array([*beside, self._generator.normal(0, noise.height_m)])
        turn = mink.SO3.from_z_radians(self._generator.normal(0, noise.yaw_rad))
        rotation = turn @ mink.SO3.from_matrix(true.rotation)
        return mink.SE3.from_rotation_and_translation(rotation, true.position_m + offset)

    def element(self, name: str, site: str, *, seen: mink.SE3) -> mink.SE3:
        """The believed pose of a site of an object that was seen."""
        return seen @ self.offset(name, site)

    def offset(self, name: str, site: str) -> mink.SE3:
        """Pose of a site in the frame of its object's body, from the object's model."""
        body = self._physics.body_pose(f"{name}/body")
        place = self._physics.site_pose(f"{name}/{site}")
        root = pose(body.position_m, body.rotation)
        return root.inverse() @ pose(place.position_m, place.rotation)

    def element_now(self, name: str, site: str) -> mink.SE3:
        """The believed pose of a site, from a new look."""
        return self.element(name, site, seen=self.look(name))
