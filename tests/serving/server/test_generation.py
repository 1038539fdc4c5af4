import asyncio

import pytest

from regard.serving.errors import EngineStoppedError, QueueFullError, StepFailedError
from regard.serving.outputs import GenerationRequest, RequestOutput
from regard.serving.sampling_params import SamplingParams
from regard.serving.server.errors import ClientGoneError
from regard.serving.server.generation import Generation, while_connected
from regard.serving.server.metrics import RequestTimer, ServerMetrics
from tests.serving.server.fake_engine import ANSWER, FakeEngine


class Client:
    """A connection that closes after a while."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    async def receive(self) -> dict[str, str]:
        await asyncio.sleep(self.seconds)
        return {"type": "http.disconnect"}


def generation(engine: FakeEngine, *prompts: str) -> Generation:
    requests = [
        GenerationRequest(str(number), tuple(prompt.encode()), SamplingParams())
        for number, prompt in enumerate(prompts)
    ]
    return Generation(engine, requests, RequestTimer(ServerMetrics(engine), "fake"))


async def test_the_output_awaited_at_the_opening_is_not_lost(engine: FakeEngine):
    opened = generation(engine, "a")
    await opened.open(Client())
    assert "".join([gain.output.text async for gain in opened]) == ANSWER


async def test_gains_of_several_prompts_keep_their_order_within_each(engine: FakeEngine):
    gains = await generation(engine, "a", "b", "c").collect(Client())
    for index in range(3):
        assert "".join(g.output.text for g in gains if g.prompt_index == index) == ANSWER


async def test_a_refusal_comes_at_the_opening_and_ends_the_others(engine: FakeEngine):
    engine.max_waiting = 2
    with pytest.raises(QueueFullError):
        await generation(engine, "a", "b", "c").open(Client())
    assert engine.num_running == 0


async def test_closing_aborts_what_runs_and_can_be_repeated(engine: FakeEngine):
    opened = generation(engine, "a", "b")
    await opened.open(Client())
    assert engine.num_running == 2
    await opened.aclose()
    await opened.aclose()
    assert engine.num_running == 0


async def test_a_client_that_leaves_ends_the_wait(engine: FakeEngine):
    engine.first_step_seconds = 60
    with pytest.raises(ClientGoneError):
        await generation(engine, "a").collect(Client(0.02))
    assert engine.num_running == 0


async def test_a_failure_wins_over_a_client_that_stays():
    async def fail() -> None:
        raise StepFailedError("x")

    with pytest.raises(StepFailedError):
        await while_connected(Client(), fail())


async def test_an_aborted_sequence_is_an_engine_that_stopped(engine: FakeEngine, monkeypatch):
    async def abort(request):
        yield RequestOutput("x", 0, "", (), None, "abort", None, 1, 0, 0)

    monkeypatch.setattr(engine, "generate", abort)
    with pytest.raises(EngineStoppedError):
        await generation(engine, "a").collect(Client())
