"""Wiping, in physics."""

import mujoco
import pytest

from regard.world.clock import LockstepClock
from regard.world.failures import FailureKind
from regard.world.safety.limits import ASSISTIVE
from regard.world.scene import build_scene
from regard.world.scene_config import SceneConfig
from regard.world.skills.context import SkillContext
from regard.world.skills.perception import RGBD_NOISE, Perception
from regard.world.skills.runner import run_skill
from regard.world.skills.wipe import Wipe
from regard.world.skills.wiping import WipeRecord
from regard.world.world import World


@pytest.mark.slow
def test_a_patch_is_wiped_with_a_held_force(menagerie_folder) -> None:
    config = SceneConfig(num_objects=1, required=("sponge",), num_look_alike_pairs=0)
    scene = build_scene(seed=2, config=config)
    sponge = scene.layout.placements[0]
    scene.spec.worldbody.add_site(
        name="spill",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[0.0, -0.2 if sponge.y_m > 0 else 0.2, 0.72],
        size=[0.06, 0.04, 0.001],
    )
    world = World(scene, menagerie_folder, limits=ASSISTIVE, visuals=False)
    record = WipeRecord(world.physics, world.contacts, spot="spill", tool="sponge_1")
    world.physics.observers.append(record.look)
    context = SkillContext(
        world,
        clock=LockstepClock(world.physics),
        perception=Perception(world.physics, noise=RGBD_NOISE, seed=0),
        report=lambda share, words: None,
    )
    outcome = run_skill(Wipe(), context, {"tool": "sponge_1", "spot": "spill"})
    assert outcome.is_done, outcome.words
    assert record.share >= 0.8
    assert world.holding() is None


def test_a_patch_that_is_not_there_is_missing(make_context) -> None:
    context = make_context("sponge")
    outcome = run_skill(Wipe(), context, {"tool": "sponge_1", "spot": "spill"})
    assert outcome.failure is FailureKind.MISSING
    assert "spill" in outcome.words
