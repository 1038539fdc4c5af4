"""Putting objects into and on others, in physics."""

import pytest

from regard.world.effects import is_inside, is_over_top
from regard.world.failures import FailureKind
from regard.world.skills.put import PutIn, PutOn, Tidy
from regard.world.skills.runner import run_skill


@pytest.mark.slow
def test_a_mug_put_on_a_plate_stands_on_it(make_context) -> None:
    context = make_context("mug", "plate")
    outcome = run_skill(PutOn(), context, {"object": "mug_1", "receiver": "plate_1"})
    assert outcome.is_done, outcome.words
    assert is_over_top(context.world.physics, "mug_1", "plate_1")
    assert context.world.holding() is None


@pytest.mark.slow
def test_a_sponge_is_thrown_into_the_bin(make_context) -> None:
    context = make_context("sponge", "bin")
    outcome = run_skill(Tidy(), context, {"object": "sponge_1", "receiver": "bin_1"})
    assert outcome.is_done, outcome.words
    assert is_inside(context.world.physics, "sponge_1", "bin_1")


def test_nothing_is_put_into_itself(make_context) -> None:
    context = make_context("mug")
    outcome = run_skill(PutIn(), context, {"object": "mug_1", "receiver": "mug_1"})
    assert outcome.failure is FailureKind.IMPOSSIBLE
