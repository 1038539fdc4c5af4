"""One trial."""

import json

import numpy as np
import pytest

from regard.world.execution import trial
from regard.world.execution.tasks import SPOT_GAP_M, draw_task
from regard.world.execution.trial import run_trial

FETCH, PRESS = 0, 6


@pytest.mark.slow
def test_a_trial_is_its_seed(menagerie_folder) -> None:
    one, two = (
        run_trial(FETCH, seed=3, held_out=False, menagerie=menagerie_folder) for _ in range(2)
    )
    assert one == two
    assert one.family == "fetch"
    assert json.loads(json.dumps(one.row()))["index"] == FETCH


@pytest.mark.parametrize(
    ("name", "value"),
    [("table_force_n", 31.0), ("person_force_n", 16.0), ("near_speed_m_s", 0.26)],
)
def test_what_is_over_a_limit_is_collateral(make_world, name, value) -> None:
    world = make_world("mug")
    before = trial._places(world, set())
    assert not trial._is_disturbed(world, before)
    setattr(world.guard, name, value)
    assert trial._is_disturbed(world, before)


def test_another_object_that_moved_is_collateral(make_world) -> None:
    world = make_world("mug", "sponge")
    before = trial._places(world, {"sponge_1"})
    assert set(before) == {"mug_1"}
    address = world.physics.qpos_addresses(("mug_1/free",))[0]
    for shift, expected in ((0.025, False), (0.035, True)):
        world.physics.data.qpos[address] = before["mug_1"][0] + shift
        world.physics.step(2)
        assert trial._is_disturbed(world, before) is expected


def test_a_failing_skill_is_a_failed_trial(menagerie_folder, monkeypatch) -> None:
    def refuse(skill, context, names):
        raise trial.PhysicsError("broken")

    monkeypatch.setattr(trial, "run_skill", refuse)
    result = run_trial(PRESS, seed=0, held_out=False, menagerie=menagerie_folder)
    assert (result.is_success, result.failure, result.words) == (False, "not_finite", "broken")


def test_a_patch_has_room_for_the_hand() -> None:
    index = next(i for i in range(12) if draw_task(1, i, held_out=False).family == "wipe")
    scene = trial._scene(draw_task(1, index, held_out=False), 5, held_out=False)
    spot = np.array(scene.spec.site("spill").pos[:2])
    for each in scene.layout.placements:
        radius = max(map(abs, each.instance.spec.footprint_m))
        assert np.hypot(each.x_m - spot[0], each.y_m - spot[1]) - radius > SPOT_GAP_M
