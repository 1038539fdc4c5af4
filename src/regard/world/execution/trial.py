"""One trial of the execution benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from regard.common.seeding import derive_seed, numpy_generator
from regard.world.clock import LockstepClock
from regard.world.execution.criteria import Criterion, criterion
from regard.world.execution.tasks import SPOT, Task, TaskError, draw_task, spot_position
from regard.world.physics import PhysicsError
from regard.world.safety.limits import ASSISTIVE
from regard.world.scene import Scene, build_scene
from regard.world.scene_config import SceneConfig
from regard.world.skills.context import SkillContext
from regard.world.skills.perception import RGBD_NOISE, Perception
from regard.world.skills.registry import skills
from regard.world.skills.runner import run_skill
from regard.world.table import TABLE_TOP_Z_M
from regard.world.world import World

MOVED_M = 0.03
HOLD_S = 1.0
LOOK_S = 0.02
CLEARED = 2
"""So many objects leave the table at a time until there is room for a patch."""
SPOT_HALF_M = (0.08, 0.05, 0.001)


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How one trial ended."""

    index: int
    """Of the trial."""

    family: str
    """Which of the families."""

    is_success: bool
    """The criterion held for a second, and nothing else was disturbed."""

    is_collateral: bool
    """Another object moved more than 3 cm, or a force or the speed near the person was too high."""

    failure: str
    """What went wrong, or nothing."""

    words: str
    """What the last skill said."""

    kinds: tuple[str, ...]
    """Kinds that took part."""

    num_objects: int
    """Objects on the table."""

    simulated_s: float
    """Length of the trial in simulated time."""

    table_force_n: float
    """Highest force of the arm on the table."""

    near_speed_m_s: float
    """Highest speed of the hand near the person."""

    def row(self) -> dict[str, Any]:
        """As a line of a JSONL file holds it."""
        return asdict(self)


def run_trial(index: int, *, seed: int, held_out: bool, menagerie: Path) -> TrialResult:
    """Builds the scene of a trial, runs the right plan, and looks at what came of it.

    Args:
        index: Of the trial.
        seed: Of the benchmark.
        held_out: Use held-out objects.
        menagerie: Folder of the arm's files.
    """
    task = draw_task(seed, index, held_out=held_out)
    own_seed = derive_seed(seed, "trial", "held-out" if held_out else "development", index)
    scene = _scene(task, own_seed, held_out=held_out)
    world = World(scene, menagerie, limits=ASSISTIVE, visuals=False)
    targets = _targets(world, task)
    before = _places(world, set(targets.values()))
    start_s = world.physics.time_s
    try:
        words, failure = _run(world, task, targets, own_seed)
    except PhysicsError as error:
        words, failure = str(error), "not_finite"
    is_collateral = _is_disturbed(world, before)
    return TrialResult(
        index=index,
        family=task.family,
        is_success=not failure and not is_collateral,
        is_collateral=is_collateral,
        failure=failure or ("collateral" if is_collateral else ""),
        words=words,
        kinds=task.kinds,
        num_objects=len(world.instances),
        simulated_s=round(world.physics.time_s - start_s, 3),
        table_force_n=round(world.guard.table_force_n, 3),
        near_speed_m_s=round(world.guard.near_speed_m_s, 4),
    )


def _scene(task: Task, seed: int, *, held_out: bool) -> Scene:
    if task.family != "wipe":
        return _built(task, seed, held_out=held_out, num_objects=task.num_objects)
    num_objects = task.num_objects
    while True:
        # A patch that the hand cannot get to is no task: the table is cleared until there is one.
        scene = _built(task, seed, held_out=held_out, num_objects=num_objects)
        spot = _free_spot(scene, seed)
        if spot is not None:
            _mark_spot(scene, spot)
            return scene
        if num_objects <= len(task.kinds):
            raise TaskError(f"no room for a patch beside {task.kinds} with seed {seed}")
        num_objects -= CLEARED


def _built(task: Task, seed: int, *, held_out: bool, num_objects: int) -> Scene:
    config = SceneConfig(
        num_objects=max(num_objects, len(task.kinds)),
        required=task.kinds,
        catalogue="all" if held_out else "development",
    )
    return build_scene(seed=seed, config=config)


def _free_spot(scene: Scene, seed: int) -> np.ndarray | None:
    places = np.array([[each.x_m, each.y_m] for each in scene.layout.placements])
    radii = np.array(
        [max(map(abs, each.instance.spec.footprint_m)) for each in scene.layout.placements]
    )
    return spot_position(places, radii, numpy_generator(seed, "spot"))


def _mark_spot(scene: Scene, place_m: np.ndarray) -> None:
    scene.spec.worldbody.add_site(
        name=SPOT,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[float(place_m[0]), float(place_m[1]), TABLE_TOP_Z_M],
        size=list(SPOT_HALF_M),
        rgba=[0.4, 0.25, 0.1, 0.5],
    )


def _targets(world: World, task: Task) -> dict[str, str]:
    """Name in the scene of each kind that takes part: the first of its kind."""
    return {
        kind: next(name for name, each in world.instances.items() if each.kind == kind)
        for kind in task.kinds
    }


def _run(world: World, task: Task, targets: Mapping[str, str], seed: int) -> tuple[str, str]:
    """Runs all steps; returns the words of the last, and what failed (nothing: all is done)."""
    context = SkillContext(
        world,
        clock=LockstepClock(world.physics),
        perception=Perception(world.physics, noise=RGBD_NOISE, seed=seed),
        report=lambda share, words: None,
    )
    known = skills()
    criteria: list[Criterion] = []
    words, failure = "", ""
    for step in task.steps:
        names = {role: targets.get(kind, kind) for role, kind in step.arguments.items()}
        criteria.append(criterion(world, step.skill, names))
        outcome = run_skill(known[step.skill], context, names)
        words = outcome.words
        if outcome.failure is not None:
            failure = str(outcome.failure)
            break
    if not _held_for_a_second(world, criteria) or len(criteria) < len(task.steps):
        return words, failure or "criterion"
    # Physics decides: an effect that is there counts, even where the skill believes it is not.
    return words, ""


def _held_for_a_second(world: World, criteria: list[Criterion]) -> bool:
    steps = round(LOOK_S / world.physics.timestep_s)
    for _ in range(round(HOLD_S / LOOK_S)):
        world.physics.step(steps)
        if not all(each() for each in criteria):
            return False
    return True


def _places(world: World, targets: set[str]) -> dict[str, np.ndarray]:
    """Where everything stands that is not to be moved."""
    return {
        name: world.physics.body_pose(instance.body).position_m
        for name, instance in world.instances.items()
        if name not in targets
    }


def _is_disturbed(world: World, before: Mapping[str, np.ndarray]) -> bool:
    limits = world.guard.limits
    if world.guard.table_force_n > limits.table_force_n:
        return True
    if world.guard.person_force_n > limits.person_force_n:
        return True
    if world.guard.near_speed_m_s > limits.near_person_speed_m_s:
        return True
    return any(
        not np.linalg.norm(world.physics.body_pose(f"{name}/body").position_m - place) <= MOVED_M
        for name, place in before.items()
    )
