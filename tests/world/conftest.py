"""Scenes with the arm in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from regard.common.wheels import WheelError
from regard.world.arm.assets import menagerie
from regard.world.clock import LockstepClock
from regard.world.safety.limits import ASSISTIVE
from regard.world.scene import build_scene
from regard.world.scene_config import SceneConfig
from regard.world.skills.context import SkillContext
from regard.world.skills.perception import Perception, PoseNoise
from regard.world.world import World

EXACT = PoseNoise(position_m=0.0, height_m=0.0, yaw_rad=0.0)


@pytest.fixture(scope="session")
def menagerie_folder() -> Path:
    """The arm's files."""
    try:
        return menagerie()
    except WheelError as error:
        pytest.skip(f"the arm's files are not here: {error}")


@pytest.fixture
def make_world(menagerie_folder: Path) -> Callable[..., World]:
    """Builds a world that holds some kinds and nothing else."""

    def make(*kinds: str, seed: int = 0) -> World:
        config = SceneConfig(num_objects=len(kinds), required=kinds, num_look_alike_pairs=0)
        scene = build_scene(seed=seed, config=config)
        return World(scene, menagerie_folder, limits=ASSISTIVE, visuals=False)

    return make


@pytest.fixture
def make_context(make_world: Callable[..., World]) -> Callable[..., SkillContext]:
    """Builds a skill context with exact perception."""

    def make(*kinds: str, seed: int = 0) -> SkillContext:
        world = make_world(*kinds, seed=seed)
        return SkillContext(
            world,
            clock=LockstepClock(world.physics),
            perception=Perception(world.physics, noise=EXACT, seed=seed),
            report=lambda share, words: None,
        )

    return make
