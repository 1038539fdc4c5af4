import httpx
import pytest

from tests.serving.server.fake_engine import ANSWER, FakeEngine
from tests.serving.server.test_chat import events_of


async def ask(client: httpx.AsyncClient, **options: object) -> httpx.Response:
    return await client.post("/v1/completions", json={"model": "fake", "prompt": "hi", **options})


async def test_sixteen_tokens_are_made_where_nothing_else_is_said(client):
    answer = (await ask(client)).json()
    assert answer["object"] == "text_completion"
    assert answer["choices"] == [
        {
            "index": 0,
            "text": ANSWER[:16],
            "logprobs": None,
            "finish_reason": "length",
            "stop_reason": None,
        }
    ]
    assert answer["usage"]["completion_tokens"] == 16


async def test_several_prompts_answer_in_their_order(client, engine: FakeEngine):
    answer = (await ask(client, prompt=["one", "three"], n=2, max_tokens=3)).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["prompt_tokens"] == len("onethree")
    assert answer["usage"]["completion_tokens"] == 12
    assert sorted(bytes(request.prompt_token_ids) for request in engine.requests) == [
        b"one",
        b"three",
    ]


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1, 2, 3]]], ids=["ids", "list-of-ids"])
async def test_token_ids_go_to_the_engine_as_they_are(client, engine: FakeEngine, prompt):
    assert (await ask(client, prompt=prompt)).status_code == 200
    assert engine.requests[0].prompt_token_ids == (1, 2, 3)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_echo_comes_before_the_answer_once(client, stream):
    response = await ask(
        client, prompt=["ab", [99, 100]][0], echo=True, max_tokens=3, stream=stream
    )
    if stream:
        text = "".join(event["choices"][0]["text"] for event in events_of(response))
    else:
        text = response.json()["choices"][0]["text"]
    assert text == "ab" + ANSWER[:3]


async def test_streams_of_several_prompts_spell_each_answer(client):
    response = await ask(
        client, prompt=["a", "b"], stream=True, stream_options={"include_usage": True}
    )
    events = events_of(response)
    for index in (0, 1):
        choices = [event["choices"][0] for event in events if event["choices"]]
        assert "".join(c["text"] for c in choices if c["index"] == index) == ANSWER[:16]
    assert events[-1]["usage"]["completion_tokens"] == 32


async def test_logprobs_have_offsets_into_the_text(client):
    answer = (await ask(client, logprobs=2, max_tokens=3)).json()
    logprobs = answer["choices"][0]["logprobs"]
    assert logprobs["tokens"] == list(ANSWER[:3])
    assert logprobs["text_offset"] == [0, 1, 2]
    assert logprobs["token_logprobs"] == [-0.5] * 3
    assert logprobs["top_logprobs"][0] == {"t": -0.5, "u": -1.5}


async def test_streamed_offsets_go_on_from_chunk_to_chunk(client):
    events = events_of(await ask(client, logprobs=0, max_tokens=3, stream=True))
    logprobs = [event["choices"][0]["logprobs"] for event in events]
    assert [each["text_offset"] for each in logprobs] == [[0], [1], [2]]
    assert logprobs[0]["top_logprobs"] is None


REFUSED = {
    "suffix": ({"suffix": "end"}, "suffix"),
    "best_of": ({"best_of": 3}, "best_of"),
    "scored echo": ({"echo": True, "logprobs": 1}, "echo"),
    "empty prompt": ({"prompt": ""}, "prompt"),
    "no prompts": ({"prompt": []}, "prompt"),
    "one empty prompt": ({"prompt": ["a", ""]}, "prompt"),
    "unknown token": ({"prompt": [257]}, "prompt"),
    "negative token": ({"prompt": [-1]}, "prompt"),
    "long prompt": ({"prompt": "x" * 512}, "prompt"),
    "too many tokens": ({"max_tokens": 511}, "max_tokens"),
    "negative top_k": ({"top_k": -2}, "top_k"),
    "empty stop": ({"stop": ""}, "stop"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_request_gets_400_that_names_the_field(client, engine: FakeEngine, name):
    options, param = REFUSED[name]
    response = await ask(client, **options)
    assert response.status_code == 400
    assert response.json()["error"]["param"].split(".")[0] == param
    assert engine.requests == []


async def test_one_refused_prompt_refuses_the_request_and_leaves_nothing_running(client, engine):
    engine.max_waiting = 1
    engine.step_seconds = 0.01
    response = await ask(client, prompt=["a", "b", "c"])
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "3"
    assert engine.num_running == 0
