"""Whole services, every instance a process of its own, over links of fixed membership."""

import asyncio

import pytest

from regard.serving.engine import Engine
from regard.serving.errors import InstanceLostError
from tests.serving.afd.services import CONFIG, answer, answers, kill, running, until
from tests.serving.afd.topologies import greedy

PROMPTS = [[10, 20, 30], list(range(40, 100)), [7], [250, 3, 9, 11, 200]]


@pytest.fixture(scope="module")
def expected():
    return greedy([Engine(CONFIG)], PROMPTS, max_tokens=80)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["ffn0", "attention1"])
async def test_over_gloo_a_killed_process_costs_no_token(expected, place):
    async with running("2A2F", afd_link="gloo") as engine:
        asking = asyncio.ensure_future(answers(engine, PROMPTS, max_tokens=80))
        await asyncio.sleep(0.5)
        assert not asking.done()
        kill(engine, place)
        assert await until(lambda: not engine.coordinator.places[place].is_ready) < 2
        assert await asking == expected
        assert engine.stats().step_failures == 0
        await until(lambda: engine.is_healthy)
        assert await answers(engine, PROMPTS, max_tokens=80) == expected


@pytest.mark.slow
async def test_over_gloo_with_fail_a_loss_ends_the_requests_with_a_reason():
    async with running("1A1F", afd_link="gloo", on_ffn_loss="fail") as engine:
        asking = asyncio.ensure_future(answer(engine, PROMPTS[0], max_tokens=400))
        await asyncio.sleep(0.5)
        assert not asking.done()
        kill(engine, "ffn0")
        with pytest.raises(InstanceLostError, match="FFN instance 0 is gone"):
            await asyncio.wait_for(asking, 5)
        await until(lambda: engine.is_healthy)
        assert len(await answer(engine, PROMPTS[0])) == 16
