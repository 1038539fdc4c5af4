"""What every skill promises, held over all of them."""

import json

import numpy as np
import pytest

from regard.world.failures import FailureKind
from regard.world.skills.registry import KINDS
from regard.world.skills.runner import run_skill

NAMES = {"object": "mug_1", "receiver": "plate_1", "source": "mug_1", "tool": "mug_1", "spot": "x"}


@pytest.fixture
def context(make_context):
    return make_context("mug", "plate")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_schema_names_every_argument(kind) -> None:
    schema = kind.arguments.schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["required"]) == set(schema["properties"])
    assert kind.summary


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_missing_object_is_a_typed_failure_and_nothing_moves(kind, context) -> None:
    values = dict.fromkeys(kind.arguments.schema()["required"], "ghost_1")
    before = context.world.physics.time_s
    outcome = run_skill(kind(), context, values)
    assert outcome.failure is FailureKind.MISSING
    assert context.world.physics.time_s == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_argument_left_out_is_a_typed_failure(kind, context) -> None:
    assert run_skill(kind(), context, {}).failure is FailureKind.IMPOSSIBLE


@pytest.mark.parametrize("name", ["pour", "water", "press", "open", "close", "wipe", "tidy"])
def test_what_an_object_cannot_do_is_impossible(name, context) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    values = {role: NAMES[role] for role in kind.arguments.schema()["required"]}
    outcome = run_skill(kind(), context, values)
    assert outcome.failure is FailureKind.IMPOSSIBLE
    assert outcome.words


def test_a_full_hand_is_a_typed_failure(make_context, monkeypatch) -> None:
    context = make_context("mug", "plate")
    monkeypatch.setattr(context.world, "holding", lambda: "plate_1")
    kind = next(kind for kind in KINDS if kind.name == "fetch")
    assert run_skill(kind(), context, {"object": "mug_1"}).failure is FailureKind.HAND_FULL


def test_a_shut_drawer_is_a_typed_failure(make_context) -> None:
    context = make_context("mug", "drawer_unit")
    kind = next(kind for kind in KINDS if kind.name == "put_in")
    values = {"object": "mug_1", "receiver": "drawer_unit_1"}
    assert run_skill(kind(), context, values).failure is FailureKind.SHUT


def test_a_fallen_object_is_missing(make_context) -> None:
    context = make_context("mug")
    physics = context.world.physics
    address = physics.qpos_addresses(("mug_1/free",))[0]
    physics.data.qpos[address : address + 3] = [1.5, 1.5, 0.0]
    physics.step()
    kind = next(kind for kind in KINDS if kind.name == "fetch")
    assert run_skill(kind(), context, {"object": "mug_1"}).failure is FailureKind.MISSING


def test_a_state_that_is_no_number_leaves_the_arm_stopped(make_context) -> None:
    context = make_context("mug")
    context.world.physics.observers.append(
        lambda: context.world.physics.data.qvel.__setitem__(slice(None), np.nan)
    )
    kind = next(kind for kind in KINDS if kind.name == "fetch")
    assert run_skill(kind(), context, {"object": "mug_1"}).failure is FailureKind.NOT_FINITE
    assert context.world.arm.stop_reason is not None


@pytest.mark.parametrize("after_s", [0.0, 1.0, 3.5, 6.0])
def test_a_skill_is_cancelled_at_any_moment_and_the_arm_rests(make_context, after_s) -> None:
    context = make_context("mug")
    start_s = context.world.physics.time_s

    def cancel_when_due() -> None:
        if context.world.physics.time_s - start_s >= after_s and not done:
            done.append(True)
            context.cancel()

    done: list[bool] = []
    context.world.physics.observers.append(cancel_when_due)
    kind = next(kind for kind in KINDS if kind.name == "fetch")
    assert run_skill(kind(), context, {"object": "mug_1"}).failure is FailureKind.CANCELLED
    context.world.physics.step(100)
    assert np.abs(context.world.arm.state().velocity_rad_s).max() < 0.03
