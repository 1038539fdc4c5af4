import openai
import pytest

from regard.serving.server.config import ServerConfig
from tests.serving.server.fake_engine import ANSWER, FakeEngine
from tests.serving.server.test_chat import HELLO

KEY = "key"


@pytest.fixture
def official(serve, engine: FakeEngine):
    url = serve(engine, ServerConfig(api_key=KEY))
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_the_official_client_chats(official: openai.OpenAI):
    answer = official.chat.completions.create(
        model="fake", messages=HELLO, n=2, seed=1, stop=["!"], logprobs=True, top_logprobs=1
    )
    assert [choice.message.content for choice in answer.choices] == [ANSWER, ANSWER]
    assert answer.choices[0].logprobs.content[0].top_logprobs[0].token == "t"
    assert answer.usage.completion_tokens == 2 * (len(ANSWER) + 1)


def test_the_official_client_streams(official: openai.OpenAI):
    stream = official.chat.completions.create(
        model="fake", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == ANSWER
    assert chunks[-1].usage.completion_tokens == len(ANSWER) + 1


def test_the_official_client_accumulates_a_stream(official: openai.OpenAI):
    with official.chat.completions.stream(model="fake", messages=HELLO) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == ANSWER


def test_the_official_client_completes(official: openai.OpenAI):
    answer = official.completions.create(model="fake", prompt=["a", "b"], max_tokens=3, logprobs=1)
    assert [choice.text for choice in answer.choices] == [ANSWER[:3]] * 2
    pieces = official.completions.create(model="fake", prompt="a", max_tokens=3, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == ANSWER[:3]


def test_the_official_client_lists_models(official: openai.OpenAI):
    assert [model.id for model in official.models.list()] == ["fake", "fake-adapter"]
    assert official.models.retrieve("fake").id == "fake"


def test_extra_options_go_in_the_extra_body(official: openai.OpenAI, engine: FakeEngine):
    official.chat.completions.create(
        model="fake", messages=HELLO, max_tokens=1, extra_body={"top_k": 5, "guided_regex": "a"}
    )
    assert engine.requests[-1].params.top_k == 5


def test_failures_become_the_official_clients_exceptions(
    official: openai.OpenAI, engine: FakeEngine
):
    create = official.chat.completions.create
    with pytest.raises(openai.NotFoundError):
        create(model="other", messages=HELLO)
    with pytest.raises(openai.BadRequestError) as bad:
        create(model="fake", messages=HELLO, max_tokens=9999)
    assert bad.value.code == "context_length_exceeded"
    with pytest.raises(openai.AuthenticationError):
        official.with_options(api_key="wrong").models.list()
    engine.fail_after = 2
    with pytest.raises(openai.APIError, match="the step failed"):
        list(create(model="fake", messages=HELLO, stream=True))
    engine.is_stopping = True
    with pytest.raises(openai.InternalServerError):
        create(model="fake", messages=HELLO)
