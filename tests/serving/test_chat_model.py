from contextlib import aclosing

import pytest

from regard.serving.api_client import ApiClient
from regard.serving.async_engine import AsyncEngine
from regard.serving.chat_model import AnswerLimits, LocalModel, ServerModel
from regard.serving.errors import ContextLengthError
from tests.serving.fake_api import FakeApi, served
from tests.serving.tiny import tiny_engine

HELLO = [{"role": "user", "content": "hello"}]
LIMITS = AnswerLimits(max_tokens=6, temperature=0.0, seed=3)


@pytest.fixture
async def engine():
    runner = AsyncEngine(tiny_engine())
    await runner.start()
    yield runner
    await runner.stop(grace_seconds=0)


async def test_a_server_gets_the_conversation_and_the_limits():
    app = FakeApi()
    with served(app) as url:
        model = ServerModel(ApiClient(url), "fake", LIMITS)
        pieces = [piece async for piece in model.answer(HELLO)]
        await model.aclose()
    assert "".join(piece.content for piece in pieces) == "one two three"
    assert pieces[-1].num_tokens == 3
    wanted = {"model": "fake", "messages": HELLO, "max_tokens": 6, "temperature": 0.0, "seed": 3}
    assert app.bodies[0].items() >= wanted.items()


async def test_an_engine_answers_up_to_the_limit(engine):
    model = LocalModel(engine, LIMITS)
    pieces = [piece async for piece in model.answer(HELLO)]
    assert model.name == "tiny"
    assert pieces[-1].num_tokens <= 6
    again = [piece async for piece in model.answer(HELLO)]
    assert again == pieces


async def test_the_limit_gives_way_to_the_context(engine):
    long = [{"role": "user", "content": "x" * 480}]
    model = LocalModel(engine, AnswerLimits(max_tokens=400, temperature=0.0, seed=None))
    pieces = [piece async for piece in model.answer(long)]
    assert 1 <= pieces[-1].num_tokens <= 32
    with pytest.raises(ContextLengthError):
        [piece async for piece in model.answer([{"role": "user", "content": "x" * 600}])]


async def test_leaving_an_answer_frees_the_engine(engine):
    model = LocalModel(engine, AnswerLimits(max_tokens=400, temperature=0.0, seed=None))
    async with aclosing(model.answer(HELLO)) as pieces:
        await anext(pieces)
    short = LocalModel(engine, LIMITS)
    assert [piece async for piece in short.answer(HELLO)]
    assert engine.stats().num_running == 0


async def test_reasoning_is_told_apart_where_the_template_marks_it(engine, monkeypatch):
    template = "{{ messages[0].content }}<think></think>"
    monkeypatch.setattr(engine.tokenizer, "chat_template", template)
    generate = engine.generate

    async def thinking(request):
        texts = iter(["<thi", "nk>hm</th", "ink>", "so", " be it", ""])
        async for output in generate(request):
            object.__setattr__(output, "text", next(texts))
            yield output

    monkeypatch.setattr(engine, "generate", thinking)
    pieces = [piece async for piece in LocalModel(engine, LIMITS).answer(HELLO)]
    assert "".join(piece.reasoning for piece in pieces) == "hm"
    assert "so be it".startswith("".join(piece.content for piece in pieces))
