"""A real disaggregated service: every instance is a process of its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from regard.serving.afd.afd_engine import AfdEngine
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.service import make_service
from regard.serving.config import EngineConfig
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams

CONFIG = EngineConfig(
    model="step3-mini",
    mode="exact",
    device="cpu",
    max_model_len=512,
    kv_cache_memory_gib=0.05,
    max_num_batched_tokens=64,
    max_num_seqs=32,
)


@asynccontextmanager
async def running(afd: str, config=CONFIG, **options) -> AsyncIterator[AfdEngine]:
    """The service, up; at the end nothing of it may be left."""
    # Servers that other tests share.
    before = set(psutil.Process().children(recursive=True))
    engine = make_service(config, AfdConfig(afd=afd, **options))
    port = engine.coordinator.address[1]
    await engine.start()
    try:
        yield engine
    finally:
        children = set(psutil.Process().children(recursive=True)) - before
        await engine.stop(0)
        psutil.wait_procs(children, timeout=10)
        left = [child for child in children if child.is_running()]
        assert left == []
        listening = [c for c in psutil.net_connections() if c.status == psutil.CONN_LISTEN]
        assert port not in [connection.laddr.port for connection in listening]


async def answer(
    engine, prompt, *, max_tokens=16, name=None, on_token=lambda token: None, **params
) -> list[int]:
    """Tokens of one greedy answer."""
    sampling = SamplingParams(
        **{"temperature": 0, "max_tokens": max_tokens, "ignore_eos": True, **params}
    )
    request = GenerationRequest(name or str(prompt), tuple(prompt), sampling)
    tokens = []
    async for output in engine.generate(request):
        tokens += output.token_ids
        for token in output.token_ids:
            on_token(token)
    return tokens


async def answers(engine, prompts, **options) -> list[list[int]]:
    """All at once."""
    return await asyncio.gather(*(answer(engine, prompt, **options) for prompt in prompts))


def kill(engine, place: str) -> None:
    """SIGKILL to the holder of a place."""
    process = engine.coordinator.places[place].process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


async def until(condition, seconds=60.0) -> float:
    """Wait for a condition; how long that took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not condition():
        assert loop.time() - started < seconds, "it did not come to pass"
        await asyncio.sleep(0.01)
    return loop.time() - started
