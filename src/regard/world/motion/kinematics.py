"""Inverse kinematics of the arm alone, by mink, under all its limits."""

from __future__ import annotations

from pathlib import Path

import mink
import mujoco
import numpy as np

from regard.world.arm.attach import TCP_SITE, ArmPlacement, attach
from regard.world.arm.contract import ArmLimits
from regard.world.arm.simulated import HOME_RAD, JOINTS
from regard.world.motion.limits import AccelerationLimit
from regard.world.person import add_person
from regard.world.table import add_table

SOLVER = "daqp"
NUM_JOINTS = len(JOINTS)
SOLVE_STEP_S = 0.1
MAX_SOLVE_STEPS = 60
MAX_STUCK = 6
"""A search that does not come nearer for so many steps has met a limit."""
PROGRESS = 0.99
POSITION_TOLERANCE_M = 0.002
ROTATION_TOLERANCE_RAD = 0.02
POSTURE_COST = 1e-3
# The wrist is all that may come near the table: the fingers are meant to reach it.
TABLE_CLEARANCE_M = 0.02
LINK_BODIES = ("forearm_link", "wrist_1_link", "wrist_2_link", "wrist_3_link")
OBSTACLES = ("table", "person_")


class ArmKinematics:
    """A model of the arm without the objects, moved by mink."""

    def __init__(
        self,
        menagerie: Path,
        *,
        placement: ArmPlacement,
        limits: ArmLimits,
    ) -> None:
        """Builds the model; see `attach` for the folder and the placement."""
        model = _model(menagerie, placement)
        self._limits = limits
        self._configuration = mink.Configuration(model)
        self._tcp = mink.FrameTask(
            frame_name=TCP_SITE,
            frame_type="site",
            position_cost=1.0,
            orientation_cost=0.3,
            lm_damping=1e-3,
        )
        self._posture = mink.PostureTask(model, cost=POSTURE_COST)
        self._acceleration = AccelerationLimit(
            acceleration_rad_s2=np.asarray(limits.acceleration_rad_s2)
        )
        self._range = mink.ConfigurationLimit(model=model)
        speeds = dict(zip(JOINTS, limits.velocity_rad_s, strict=True))
        self._speed = mink.VelocityLimit(model, velocities=speeds)
        self._collision = mink.CollisionAvoidanceLimit(
            model=model,
            geom_pairs=_collision_pairs(model),
            minimum_distance_from_collisions=TABLE_CLEARANCE_M,
            collision_detection_distance=0.08,
        )
        self.configure(np.array(HOME_RAD))

    @property
    def joints_rad(self) -> np.ndarray:
        """(joints,) angles of the present configuration."""
        return np.asarray(self._configuration.q).copy()

    def configure(self, joints_rad: np.ndarray) -> None:
        """Goes to these joint angles at rest."""
        self._configuration.update(np.asarray(joints_rad, dtype=np.float64))
        self._acceleration.note(np.zeros(NUM_JOINTS))

    def move_from(
        self, joints_rad: np.ndarray, velocity_rad_s: np.ndarray, *, step_s: float
    ) -> None:
        """Takes back the last step and makes another: the arm was slowed down.

        Args:
            joints_rad: (joints,) before the step.
            velocity_rad_s: (joints,) that is kept instead.
            step_s: Length of the control step.
        """
        self._configuration.update(joints_rad + velocity_rad_s * step_s)
        self._acceleration.note(velocity_rad_s)

    def tcp(self) -> mink.SE3:
        """Pose of the point between the pads, in the world."""
        return self._configuration.get_transform_frame_to_world(TCP_SITE, "site")

    def step(self, target: mink.SE3, *, step_s: float) -> np.ndarray:
        """Moves towards a pose for one control step, inside every limit.

        Args:
            target: Wanted pose of the point between the pads.
            step_s: Length of the control step.

        Returns:
            (joints,) velocity in rad/s; the configuration has moved by it.
        """
        always = [self._range, self._speed, self._collision]
        try:
            return self._advance(target, step_s=step_s, limits=[*always, self._acceleration])
        except mink.NoSolutionFound:
            # An obstacle may ask for harder braking than the acceleration allows.
            return self._advance(target, step_s=step_s, limits=always)

    def solve(self, target: mink.SE3, *, seed_rad: np.ndarray) -> np.ndarray | None:
        """Joint angles (joints,) that reach a pose, or None; the configuration is kept.

        Args:
            target: Wanted pose of the point between the pads.
            seed_rad: (joints,) where the search begins.
        """
        kept = self.joints_rad
        self.configure(seed_rad)
        try:
            return self._search(target)
        except mink.NoSolutionFound:
            return None
        finally:
            self.configure(kept)

    def error(self, target: mink.SE3) -> tuple[float, float]:
        """Distance in metres and angle in radians from the present pose to another."""
        difference = self.tcp().inverse() @ target
        distance = float(np.linalg.norm(difference.translation()))
        return distance, float(np.linalg.norm(difference.rotation().log()))

    def _search(self, target: mink.SE3) -> np.ndarray | None:
        best, num_stuck = np.inf, 0
        for _ in range(MAX_SOLVE_STEPS):
            self._advance(target, step_s=SOLVE_STEP_S, limits=[self._range, self._collision])
            if self._has_reached(target):
                return self.joints_rad
            distance, angle = self.error(target)
            num_stuck = 0 if distance + angle < PROGRESS * best else num_stuck + 1
            best = min(best, distance + angle)
            if num_stuck >= MAX_STUCK:
                return None
        return None

    def _has_reached(self, target: mink.SE3) -> bool:
        distance, angle = self.error(target)
        return distance < POSITION_TOLERANCE_M and angle < ROTATION_TOLERANCE_RAD

    def _advance(self, target: mink.SE3, *, step_s: float, limits: list[mink.Limit]) -> np.ndarray:
        self._tcp.set_target(target)
        self._posture.set_target(self._configuration.q)
        velocity = mink.solve_ik(
            configuration=self._configuration,
            tasks=[self._tcp, self._posture],
            dt=step_s,
            solver=SOLVER,
            damping=1e-6,
            safety_break=False,
            limits=limits,
        )
        self._configuration.integrate_inplace(velocity, step_s)
        self._acceleration.note(velocity)
        return np.asarray(velocity)


def _model(menagerie: Path, placement: ArmPlacement) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    attach(spec, menagerie, placement=placement)
    # The fingers do not matter to where the hand goes: they are part of the wrist here.
    for part in (*spec.equalities, *spec.tendons, *spec.actuators):
        spec.delete(part)
    for joint in list(spec.joints):
        if joint.name not in JOINTS:
            spec.delete(joint)
    add_table(spec)
    add_person(spec)
    return spec.compile()


def _collision_pairs(model: mujoco.MjModel) -> list[tuple[list[int], list[int]]]:
    """Links against obstacles; the hand against the rest of the arm."""
    obstacles = [
        i
        for i in range(model.ngeom)
        if model.geom(i).name.startswith(OBSTACLES) and model.geom_contype[i]
    ]
    links = _geoms_on(model, *(f"arm/{name}" for name in LINK_BODIES), "arm/gripper/base")
    hand = _geoms_on(model, "arm/wrist_2_link", "arm/wrist_3_link", "arm/gripper/base")
    trunk = _geoms_on(model, "arm/base", "arm/shoulder_link", "arm/upper_arm_link")
    # The second wrist is always near the forearm, and cannot come nearer.
    end = _geoms_on(model, "arm/wrist_3_link", "arm/gripper/base")
    forearm = _geoms_on(model, "arm/forearm_link")
    return [(links, obstacles), (hand, trunk), (end, forearm)]


def _geoms_on(model: mujoco.MjModel, *bodies: str) -> list[int]:
    ids = {model.body(name).id for name in bodies}
    return [i for i in range(model.ngeom) if model.geom_bodyid[i] in ids]
