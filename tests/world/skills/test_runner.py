"""Running one skill, whatever it does."""

from dataclasses import dataclass

import numpy as np
import pytest

from regard.world.failures import FailureKind, SkillFailure
from regard.world.skills import runner
from regard.world.skills.contract import Arguments, Skill
from regard.world.skills.runner import run_skill


@dataclass(frozen=True, kw_only=True)
class NoArguments(Arguments):
    pass


class Wave(Skill):
    name = "wave"
    summary = "Wave"
    arguments = NoArguments

    def __init__(self, *, fails: FailureKind | None = None, works: bool = True) -> None:
        self.fails, self.works = fails, works
        self.num_acts = 0

    def check(self, context, arguments) -> None:
        pass

    def act(self, context, arguments) -> None:
        self.num_acts += 1
        context.world.arm.command_velocity(np.full(6, 0.2))
        if self.fails is not None:
            raise SkillFailure(self.fails, "no")

    def is_done(self, context, arguments) -> bool:
        return self.works

    def words(self, context, arguments) -> str:
        return "waved"


class WaveAtLast(Wave):
    """Works at the second attempt."""

    def act(self, context, arguments) -> None:
        self.works = self.num_acts == 1
        self.num_acts += 1


class WaveOnce(Wave):
    is_repeatable = False


class WaveNoMore(Wave):
    """Its precondition is gone after the first attempt."""

    def check(self, context, arguments) -> None:
        if self.num_acts:
            raise SkillFailure(FailureKind.MISSING, "gone")


@pytest.fixture
def righted(monkeypatch) -> list:
    calls: list = []
    monkeypatch.setattr(runner, "turn_upright", lambda world, advance: calls.append(world))
    return calls


def test_the_effect_decides_not_the_motions(make_context, righted) -> None:
    assert run_skill(Wave(), make_context(), {}).words == "waved"
    outcome = run_skill(Wave(works=False), make_context(), {})
    assert (outcome.is_done, outcome.failure) == (False, FailureKind.NOT_DONE)


def test_progress_begins_at_nothing_and_ends_at_all(make_context) -> None:
    context, shares = make_context(), []
    context.report = lambda share, words: shares.append(share)
    run_skill(Wave(), context, {})
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_after_a_failure_the_arm_rests_and_what_it_holds_is_righted(make_context, righted) -> None:
    context = make_context()
    assert run_skill(Wave(fails=FailureKind.FORCE), context, {}).failure is FailureKind.FORCE
    context.world.physics.step(200)
    assert np.abs(context.world.arm.state().velocity_rad_s).max() < 0.02
    assert righted == [context.world]


def test_what_failed_is_tried_once_more_after_righting(make_context, righted) -> None:
    context, wave = make_context(), WaveAtLast()
    assert run_skill(wave, context, {}).is_done
    assert (wave.num_acts, righted) == (2, [context.world])
    for kind in (FailureKind.DROPPED, FailureKind.UNREACHABLE, FailureKind.BLOCKED):
        wave = Wave(fails=kind, works=False)
        assert run_skill(wave, context, {}).failure is kind
        assert wave.num_acts == 2


def test_not_again_where_it_would_do_harm_or_cannot(make_context, righted) -> None:
    context = make_context()
    again_would_harm = [
        Wave(fails=kind, works=False)
        for kind in (FailureKind.FORCE, FailureKind.CANCELLED, FailureKind.STOPPED)
    ]
    there_already = Wave(fails=FailureKind.DROPPED, works=True)
    for wave in (*again_would_harm, there_already, WaveOnce(works=False), WaveNoMore(works=False)):
        assert not run_skill(wave, context, {}).is_done
        assert wave.num_acts == 1


def test_after_a_stop_righting_is_left_to_the_watchdog(make_context, righted) -> None:
    run_skill(Wave(fails=FailureKind.STOPPED), make_context(), {})
    assert righted == []


def test_an_old_cancel_does_not_end_the_next_skill(make_context) -> None:
    context = make_context()
    context.cancel()
    assert run_skill(Wave(), context, {}).is_done
    context.mover.wait(0.02)
