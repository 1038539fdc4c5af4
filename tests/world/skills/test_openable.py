"""Opening and closing, in physics."""

import pytest

from regard.world.effects import joint_share
from regard.world.failures import FailureKind
from regard.world.skills.openable import Close, Open
from regard.world.skills.runner import run_skill


def test_a_drawer_is_opened_and_closed_again(make_context) -> None:
    context = make_context("drawer_unit")
    values = {"object": "drawer_unit_1"}
    opened = run_skill(Open(), context, values)
    assert opened.is_done, opened.words
    assert joint_share(context.world.physics, "drawer_unit_1/slide") >= 0.7
    closed = run_skill(Close(), context, values)
    assert closed.is_done, closed.words
    assert joint_share(context.world.physics, "drawer_unit_1/slide") <= 0.1
    assert context.world.guard.table_force_n <= context.world.guard.limits.table_force_n


def test_what_is_shut_already_is_left_alone(make_context) -> None:
    context = make_context("drawer_unit")
    before = context.world.physics.time_s
    assert run_skill(Close(), context, {"object": "drawer_unit_1"}).is_done
    assert context.world.physics.time_s == before


def test_a_full_hand_opens_nothing(make_context, monkeypatch) -> None:
    context = make_context("drawer_unit", "mug")
    monkeypatch.setattr(context.world, "holding", lambda: "mug_1")
    outcome = run_skill(Open(), context, {"object": "drawer_unit_1"})
    assert outcome.failure is FailureKind.HAND_FULL
    assert "mug" in outcome.words


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_pill_box_is_opened_by_its_tab(make_context, seed: int) -> None:
    context = make_context("pill_box", seed=seed)
    outcome = run_skill(Open(), context, {"object": "pill_box_1"})
    assert outcome.is_done, outcome.words
    assert context.world.holding() is None
