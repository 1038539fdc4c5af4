"""Taking things into the hand."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from regard.world.clock import LockstepClock
from regard.world.failures import FailureKind, SkillFailure
from regard.world.layout import Layout, Placement
from regard.world.objects.contract import Instance
from regard.world.objects.registry import development_objects
from regard.world.safety.limits import ASSISTIVE
from regard.world.scene import assemble
from regard.world.skills import picking
from regard.world.skills.context import SkillContext
from regard.world.skills.perception import RGBD_NOISE, Perception
from regard.world.skills.picking import check_can_pick, open_hand, pick
from regard.world.world import World


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


def crowded(menagerie_folder: Path) -> SkillContext:
    """A toothbrush between two remote controls, 32 mm from either."""
    kinds = development_objects()
    placements = [
        Placement(
            instance=Instance(name=name, spec=kinds[kind], colour=kinds[kind].colours[0]),
            x_m=0.05,
            y_m=y_m,
            yaw_rad=0.0,
        )
        for name, kind, y_m in (
            ("toothbrush_1", "toothbrush", 0.0),
            ("remote_1", "remote", 0.066),
            ("remote_2", "remote", -0.066),
        )
    ]
    scene = assemble(Layout(placements=tuple(placements)), timestep_s=0.002)
    world = World(scene, menagerie_folder, limits=ASSISTIVE, visuals=False)
    return SkillContext(
        world,
        clock=LockstepClock(world.physics),
        perception=Perception(world.physics, noise=RGBD_NOISE, seed=0),
        report=lambda share, words: None,
    )


def test_between_neighbours_the_fingers_open_half(menagerie_folder, monkeypatch) -> None:
    context = crowded(menagerie_folder)
    with monkeypatch.context() as patch:
        patch.setattr(picking, "LESS_OPEN", (0.0,))
        with pytest.raises(SkillFailure, match="remote") as caught:
            pick(context, "toothbrush_1", suits=lambda grasp: True)
    assert caught.value.kind is FailureKind.BLOCKED
    pick(context, "toothbrush_1", suits=lambda grasp: True)
    assert context.world.holding() == "toothbrush_1"


def test_a_way_that_cannot_be_followed_is_not_taken(make_context, monkeypatch) -> None:
    context = make_context("sponge")
    asked: list[int] = []

    def second_only(paths, *, pace) -> bool:
        asked.append(len(list(paths)))
        return len(asked) > 1

    monkeypatch.setattr(context.mover, "can_follow", second_only)
    search = picking._Search(context, "sponge_1", suits=lambda grasp: True, prefer=lambda grasp: 0)
    assert search.plan(fit_m=None) is not None
    assert len(asked) == 2
    monkeypatch.setattr(context.mover, "can_follow", lambda paths, *, pace: False)
    assert search.plan(fit_m=None) is None


def test_what_half_open_fingers_do_not_fit_round_is_not_tried(make_context, monkeypatch) -> None:
    context = make_context("sponge")
    monkeypatch.setattr(picking, "FIT_M", 0.02)
    search = picking._Search(context, "sponge_1", suits=lambda grasp: True, prefer=lambda grasp: 0)
    context.mover.grip(picking.LESS_OPEN[-1], seconds=0.5)
    assert search.plan(fit_m=None) is not None
    assert search.plan(fit_m=picking.FIT_M) is None


def _picker(monkeypatch, failures):
    """`pick` by its wishes: fails as told, once a wish; returns the list of wishes it was asked."""
    asked = []

    def pick(context, name, *, suits, prefer):
        asked.append(suits)
        failure = failures[len(asked) - 1]
        if failure is not None:
            raise SkillFailure(failure, "told so")
        return suits

    monkeypatch.setattr(picking, "pick", pick)
    return asked


def _context(holding=None):
    return SimpleNamespace(world=SimpleNamespace(holding=lambda: holding))


def test_the_next_wish_is_tried_where_no_way_serves_the_first(monkeypatch):
    asked = _picker(monkeypatch, [FailureKind.UNREACHABLE, None])
    assert picking.pick_first(_context(), "cup", wishes=["strict", "mild"]) == "mild"
    assert asked == ["strict", "mild"]


@pytest.mark.parametrize(
    ("failures", "holding", "num_asked"),
    [
        ([FailureKind.BLOCKED], None, 1),
        ([FailureKind.UNREACHABLE], "cup", 1),
        ([FailureKind.UNREACHABLE, FailureKind.UNREACHABLE], None, 2),
    ],
    ids=["another reason", "in the hand", "the last wish"],
)
def test_no_wish_is_tried_that_could_not_help(monkeypatch, failures, holding, num_asked):
    asked = _picker(monkeypatch, failures)
    with pytest.raises(SkillFailure, match="told so"):
        picking.pick_first(_context(holding), "cup", wishes=["strict", "mild"])
    assert len(asked) == num_asked
