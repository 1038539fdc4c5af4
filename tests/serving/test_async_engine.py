import asyncio

import pytest

from regard.serving.async_engine import AsyncEngine
from regard.serving.errors import (
    ContextLengthError,
    EngineStoppedError,
    QueueFullError,
    StepFailedError,
    UnknownModelError,
)
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams
from tests.serving.tiny import tiny_engine

LONG = SamplingParams(temperature=0.0, max_tokens=400, ignore_eos=True)
SHORT = SamplingParams(temperature=0.0, max_tokens=5, ignore_eos=True)


@pytest.fixture(params=[False, True], ids=["at once", "while the GPU works"])
async def engine(request):
    runner = AsyncEngine(tiny_engine(max_waiting=4))
    # When outputs are handed over; where the tensors are does not matter to that.
    runner._is_on_gpu = request.param
    await runner.start()
    yield runner
    await runner.stop(grace_seconds=0)


async def collect(engine, request):
    return [output async for output in engine.generate(request)]


async def test_streams_each_token_and_ends_with_a_reason(engine):
    outputs = await collect(engine, GenerationRequest("a", (1, 2), SHORT))
    assert [o.num_output_tokens for o in outputs] == [1, 2, 3, 4, 5]
    assert [o.finish_reason for o in outputs] == [None] * 4 + ["length"]


async def test_n_sequences_come_back_under_their_index(engine):
    params = SamplingParams(temperature=1.0, seed=1, n=3, max_tokens=8, ignore_eos=True)
    outputs = await collect(engine, GenerationRequest("a", (1, 2), params))
    texts = {i: [t for o in outputs if o.index == i for t in o.token_ids] for i in range(3)}
    assert all(len(tokens) == 8 for tokens in texts.values())
    assert len({tuple(tokens) for tokens in texts.values()}) > 1


async def test_a_caller_that_goes_away_frees_its_blocks(engine):
    stream = engine.generate(GenerationRequest("a", (1,) * 40, LONG))
    await anext(stream)
    assert engine.stats().num_running == 1
    await stream.aclose()
    await collect(engine, GenerationRequest("b", (1,), SHORT))
    assert engine.stats().num_running == 0
    assert engine.stats().num_free_kv_blocks == engine.stats().num_kv_blocks


async def test_refuses_what_cannot_be_served(engine):
    with pytest.raises(UnknownModelError, match="'other' is not served here; served: tiny"):
        await collect(engine, GenerationRequest("a", (1,), SHORT, model="other"))
    with pytest.raises(ContextLengthError, match="600 tokens and the context holds 512"):
        await collect(engine, GenerationRequest("a", (1,) * 600, SHORT))
    with pytest.raises(ContextLengthError, match="max_tokens is 400, the prompt has 200 tokens"):
        await collect(engine, GenerationRequest("a", (1,) * 200, LONG))


async def test_a_full_queue_is_refused(engine):
    many = SamplingParams(n=5, max_tokens=4)
    with pytest.raises(QueueFullError):
        await collect(engine, GenerationRequest("a", (1,), many))


async def test_a_failed_step_reaches_its_caller_and_the_next_is_served(engine):
    forward = engine.engine._forward

    def failing(batch, caches):
        engine.engine._forward = forward
        raise RuntimeError("planted")

    engine.engine._forward = failing
    with pytest.raises(StepFailedError, match="planted"):
        await collect(engine, GenerationRequest("a", (1,), SHORT))
    assert len(await collect(engine, GenerationRequest("b", (1,), SHORT))) == 5


async def test_stopping_lets_running_work_finish_and_refuses_new():
    runner = AsyncEngine(tiny_engine())
    await runner.start()
    running = asyncio.create_task(collect(runner, GenerationRequest("a", (1,), SHORT)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await runner.stop(grace_seconds=30)
    assert (await running)[-1].finish_reason == "length"
    assert not runner.is_healthy
    with pytest.raises(EngineStoppedError):
        await collect(runner, GenerationRequest("b", (1,), SHORT))


async def test_work_that_outlives_the_grace_time_is_told():
    runner = AsyncEngine(tiny_engine())
    await runner.start()
    stream = runner.generate(GenerationRequest("a", (1,), LONG))
    await anext(stream)
    await runner.stop(grace_seconds=0)
    with pytest.raises(EngineStoppedError):
        async for _ in stream:
            pass
