"""Instances in processes of their own: the same tokens, and what happens when one is killed."""

import asyncio
import random
import time
from dataclasses import replace

import pytest

from regard.common.errors import UserError
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.service import make_service
from regard.serving.afd.trace_file import read_trace
from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from regard.serving.errors import InstanceLostError, InvalidRequestError
from tests.serving.afd.services import CONFIG, answer, answers, kill, running, until
from tests.serving.afd.topologies import greedy

PROMPTS = [[10, 20, 30], list(range(40, 100)), [7], [250, 3, 9, 11, 200]]


@pytest.fixture(scope="module")
def expected():
    return greedy([Engine(CONFIG)], PROMPTS, max_tokens=16)


async def test_one_and_one_process_give_the_tokens_of_one_piece(expected, tmp_path):
    trace = tmp_path / "trace.json"
    async with running("1A1F", microbatches=2, trace=trace) as engine:
        asking = asyncio.ensure_future(answers(engine, PROMPTS))
        await until(lambda: engine.stats().num_running == len(PROMPTS))
        assert await asking == expected
        assert engine.is_healthy
        stats = engine.stats()
        assert (stats.num_running, stats.num_waiting) == (0, 0)
        await until(lambda: engine.stats().generation_tokens == 16 * len(PROMPTS))
        assert stats.step_failures == 0
    spans = read_trace(trace).spans
    assert {span.worker for span in spans} == {"attention0", "ffn0"}
    assert {"attention", "feed_forward", "send", "receive", "wait"} <= {s.stage for s in spans}


@pytest.mark.slow
@pytest.mark.parametrize(("afd", "microbatches"), [("2A1F", 1), ("1A2F", 3), ("3A2F", 2)], ids=str)
async def test_every_topology_gives_the_tokens_of_one_piece(expected, afd, microbatches):
    async with running(afd, microbatches=microbatches) as engine:
        assert await answers(engine, PROMPTS) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("afd", "microbatches"), [("2A1F", 2), ("3A2F", 3)], ids=str)
async def test_smollm2_in_processes_gives_the_tokens_of_one_piece(afd, microbatches):
    config = replace(CONFIG, model="default")
    whole = Engine(config)
    alone = await asyncio.to_thread(greedy, [whole], PROMPTS, 12)
    del whole
    async with running(afd, config, microbatches=microbatches) as engine:
        assert await answers(engine, PROMPTS, max_tokens=12) == alone


@pytest.mark.slow
async def test_a_killed_ffn_process_is_replaced_and_no_token_is_lost(expected):
    long = await _alone(PROMPTS, 80)
    async with running("1A1F") as engine:
        asking = asyncio.ensure_future(answers(engine, PROMPTS, max_tokens=80))
        await asyncio.sleep(0.3)
        kill(engine, "ffn0")
        assert await until(lambda: not engine.coordinator.places["ffn0"].is_ready) < 2
        assert await asking == long
        assert engine.stats().step_failures == 0


@pytest.mark.slow
async def test_a_spare_takes_a_killed_ffn_instance_s_place_at_once():
    long = await _alone(PROMPTS, 80)
    async with running("1A1F", spare_ffn=1) as engine:
        asking = asyncio.ensure_future(answers(engine, PROMPTS, max_tokens=80))
        await asyncio.sleep(0.3)
        spare = engine.coordinator.places["spare0"].process
        kill(engine, "ffn0")
        assert await until(lambda: engine.coordinator.places["ffn0"].process is spare) < 2
        assert await asking == long


@pytest.mark.slow
async def test_with_fail_running_requests_end_soon_and_the_service_heals():
    async with running("1A1F", on_ffn_loss="fail") as engine:
        asking = asyncio.ensure_future(answer(engine, PROMPTS[0], max_tokens=400))
        await asyncio.sleep(0.3)
        kill(engine, "ffn0")
        started = time.monotonic()
        with pytest.raises(InstanceLostError, match="FFN instance 0 is gone"):
            await asking
        assert time.monotonic() - started < 5
        await until(lambda: engine.is_healthy)
        assert len(await answer(engine, PROMPTS[0])) == 16


@pytest.mark.slow
async def test_a_killed_attention_process_s_requests_go_on_elsewhere():
    long = await _alone(PROMPTS, 80)
    async with running("2A1F") as engine:
        asking = asyncio.ensure_future(answers(engine, PROMPTS, max_tokens=80))
        await asyncio.sleep(0.5)
        kill(engine, "attention0")
        assert await asking == long
        await until(lambda: engine.coordinator.places["attention0"].is_ready)
        assert await answers(engine, PROMPTS, max_tokens=80) == long


@pytest.mark.slow
async def test_without_another_attention_instance_its_requests_end_with_a_reason():
    async with running("1A1F") as engine:
        asking = asyncio.ensure_future(answer(engine, PROMPTS[0], max_tokens=400))
        await asyncio.sleep(0.3)
        kill(engine, "attention0")
        with pytest.raises(InstanceLostError, match="attention instance 0 is gone"):
            await asking
        with pytest.raises(InstanceLostError, match="no attention instance is up"):
            await answer(engine, PROMPTS[0])
        await until(lambda: engine.is_healthy)
        assert len(await answer(engine, PROMPTS[0])) == 16


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_twenty_random_kills_lose_and_repeat_no_token():
    long = await _alone(PROMPTS, 60)
    choose = random.Random(0)
    async with running("2A1F", spare_ffn=1, recovery_timeout=60) as engine:
        places = engine.coordinator.places
        for _ in range(20):
            await until(lambda: all(place.is_ready for place in places.values()))
            heard = []
            asking = asyncio.ensure_future(
                answers(engine, PROMPTS, max_tokens=60, on_token=heard.append)
            )
            moment = choose.randrange(1, 40 * len(PROMPTS))
            await until(lambda heard=heard, moment=moment: len(heard) >= moment)
            kill(engine, choose.choice(["attention0", "attention1", "ffn0"]))
            assert not asking.done()
            assert await asking == long


async def test_a_part_that_cannot_be_loaded_ends_the_start_with_its_reason(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        make_service(EngineConfig(model=str(tmp_path / "nowhere")), AfdConfig(afd="1A1F"))


@pytest.mark.parametrize(
    ("afd", "options", "message"),
    [
        (None, {}, "no topology is given"),
        ("1B1F", {}, "not of the form 2A1F"),
        ("1A1F", {"microbatches": 9}, "9 micro-batches; 1 to 4"),
        ("1A1F", {"afd_listen": "here"}, "'here' is not of the form HOST:PORT"),
        ("9999A1F", {}, "GB of memory is available"),
        ("1A1F", {"ray": "auto", "torchrun": True}, "both start instances: choose one"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_before_anything_starts(afd, options, message):
    with pytest.raises(InvalidRequestError, match=message):
        make_service(CONFIG, AfdConfig(afd=afd, **options))


async def _alone(prompts, max_tokens):
    engine = Engine(CONFIG)
    return await asyncio.to_thread(greedy, [engine], prompts, max_tokens)
