"""Taking things into the hand."""

import pytest

from regard.world.failures import FailureKind, SkillFailure
from regard.world.skills import picking
from regard.world.skills.picking import check_can_pick, open_hand, pick


def test_what_is_picked_is_lifted_off_the_table(make_context) -> None:
    context = make_context("sponge")
    before = context.world.physics.body_pose("sponge_1/body").position_m[2]
    grasp = pick(context, "sponge_1", suits=lambda grasp: True)
    assert grasp.site.startswith("grasp_")
    assert context.world.holding() == "sponge_1"
    assert context.world.physics.body_pose("sponge_1/body").position_m[2] > before + 0.08
    open_hand(context)
    assert context.world.holding() is None


def test_a_grasp_that_fails_is_tried_once_more(make_context, monkeypatch) -> None:
    context = make_context("sponge")
    tried = []

    def slips_once(context, name, plan) -> bool:
        tried.append(plan)
        return len(tried) == 2

    monkeypatch.setattr(picking, "_try", slips_once)
    assert pick(context, "sponge_1", suits=lambda grasp: True) is tried[1].grasp


def test_two_slips_are_a_typed_failure(make_context, monkeypatch) -> None:
    monkeypatch.setattr(picking, "_try", lambda *_: False)
    with pytest.raises(SkillFailure, match="slipped") as caught:
        pick(make_context("sponge"), "sponge_1", suits=lambda grasp: True)
    assert caught.value.kind is FailureKind.GRASP_FAILED


def test_a_grasp_that_serves_nothing_is_said(make_context) -> None:
    with pytest.raises(SkillFailure, match="no way to hold the .* serves") as caught:
        pick(make_context("sponge"), "sponge_1", suits=lambda grasp: False)
    assert caught.value.kind is FailureKind.UNREACHABLE


def test_what_is_fixed_cannot_be_picked_up(make_context) -> None:
    with pytest.raises(SkillFailure) as caught:
        check_can_pick(make_context("drawer_unit"), "drawer_unit_1")
    assert caught.value.kind is FailureKind.IMPOSSIBLE
