import json

import httpx
import pytest

from tests.serving.server.fake_engine import ANSWER, FakeEngine

HELLO = [{"role": "user", "content": "hello"}]


async def ask(client: httpx.AsyncClient, **options: object) -> httpx.Response:
    body = {"model": "fake", "messages": HELLO, **options}
    return await client.post("/v1/chat/completions", json=body)


def events_of(response: httpx.Response) -> list[dict]:
    lines = [line for line in response.text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


async def test_an_answer_has_text_reason_and_usage(client):
    response = await ask(client)
    answer = response.json()
    assert response.status_code == 200
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "fake"
    [choice] = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": ANSWER, "refusal": None}
    assert choice["finish_reason"] == "stop"
    prompt_tokens = len("<user>hello<assistant>")
    assert answer["usage"] == {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(ANSWER) + 1,
        "total_tokens": prompt_tokens + len(ANSWER) + 1,
        "prompt_tokens_details": {"cached_tokens": 4},
    }


async def test_a_stream_spells_the_same_text_as_the_whole_answer(client):
    events = events_of(await ask(client, stream=True))
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert text == ANSWER
    reasons = [event["choices"][0]["finish_reason"] for event in events]
    assert reasons[-1] == "stop"
    assert not any(reasons[:-1])


async def test_usage_comes_last_in_a_stream_that_asks_for_it(client):
    events = events_of(await ask(client, stream=True, stream_options={"include_usage": True}))
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == len(ANSWER) + 1
    assert all(event["usage"] is None for event in events[:-1])


async def test_streams_that_do_not_ask_have_no_usage(client):
    assert all("usage" not in event for event in events_of(await ask(client, stream=True)))


async def test_n_answers_have_their_own_index_and_the_prompt_counts_once(client):
    answer = (await ask(client, n=3, max_tokens=4)).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert answer["usage"]["completion_tokens"] == 12
    assert answer["usage"]["prompt_tokens"] == len("<user>hello<assistant>")


async def test_n_answers_stream_with_one_role_each(client):
    events = events_of(await ask(client, n=2, max_tokens=3, stream=True))
    choices = [event["choices"][0] for event in events]
    for index in (0, 1):
        deltas = [choice["delta"] for choice in choices if choice["index"] == index]
        assert sum("role" in delta for delta in deltas) == 1
        assert "".join(delta.get("content", "") for delta in deltas) == ANSWER[:3]


async def test_logprobs_carry_bytes_and_alternatives(client):
    answer = (await ask(client, logprobs=True, top_logprobs=2, max_tokens=2)).json()
    content = answer["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == list(ANSWER[:2])
    assert content[0]["bytes"] == [ord("t")]
    assert len(content[0]["top_logprobs"]) == 2


async def test_streamed_logprobs_are_those_of_the_whole_answer(client):
    options = {"logprobs": True, "top_logprobs": 1, "max_tokens": 5}
    whole = (await ask(client, **options)).json()["choices"][0]["logprobs"]["content"]
    events = events_of(await ask(client, stream=True, **options))
    found = [event["choices"][0].get("logprobs") or {} for event in events]
    assert [entry for each in found for entry in each.get("content", [])] == whole


async def test_options_reach_the_engine(client, engine: FakeEngine):
    response = await ask(
        client,
        max_completion_tokens=7,
        temperature=0.5,
        top_p=0.9,
        top_k=-1,
        min_p=0.1,
        repetition_penalty=1.1,
        seed=3,
        stop="dog",
        stop_token_ids=[65],
        logit_bias={"66": -5},
        ignore_eos=True,
        min_tokens=2,
    )
    assert response.status_code == 200
    params = engine.requests[0].params
    assert (params.max_tokens, params.temperature, params.top_p, params.top_k) == (7, 0.5, 0.9, 0)
    assert (params.stop, params.stop_token_ids, params.logit_bias) == (("dog",), (65,), ((66, -5),))
    assert (params.seed, params.ignore_eos, params.min_tokens, params.min_p) == (3, True, 2, 0.1)


async def test_an_adapter_is_chosen_by_its_name(client, engine: FakeEngine):
    answer = (await ask(client, model="fake-adapter", max_tokens=1)).json()
    assert answer["model"] == engine.requests[0].model == "fake-adapter"


async def test_harmless_fields_of_openai_clients_are_accepted(client):
    response = await ask(
        client, max_tokens=1, user="me", store=False, metadata={"a": "b"}, service_tier="auto"
    )
    assert response.status_code == 200


async def test_text_parts_are_joined(client, engine: FakeEngine):
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    await ask(client, messages=[{"role": "user", "content": parts}], max_tokens=1)
    assert bytes(engine.requests[0].prompt_token_ids) == b"<user>one\ntwo<assistant>"


FORMS = {
    "json_schema": (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": "object"}},
            }
        },
        ("json_schema", '{"type": "object"}'),
    ),
    "json_object": ({"response_format": {"type": "json_object"}}, ("json_object", "")),
    "guided_regex": ({"guided_regex": "a+"}, ("regex", "a+")),
    "guided_choice": ({"guided_choice": ["a b", "c."]}, ("regex", r"(a b|c\.)")),
    "guided_json": ({"guided_json": '{"type": "null"}'}, ("json_schema", '{"type": "null"}')),
    "structured_regex": ({"structured_outputs": {"regex": "b"}}, ("regex", "b")),
    "structured_json": ({"structured_outputs": {"json": {}}}, ("json_schema", "{}")),
    "structured_grammar": ({"structured_outputs": {"grammar": "x"}}, ("grammar", "x")),
}


@pytest.mark.parametrize("name", FORMS)
async def test_every_way_to_ask_for_a_form_reaches_the_engine(client, engine: FakeEngine, name):
    options, expected = FORMS[name]
    assert (await ask(client, max_tokens=1, **options)).status_code == 200
    form = engine.requests[0].params.structured
    assert form is not None
    assert (form.kind, form.value) == expected


REFUSED = {
    "picture": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}],
                }
            ]
        },
        "messages.0.content.0",
    ),
    "unknown field": ({"frobnicate": 1}, "frobnicate"),
    "unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role"),
    "no messages": ({"messages": []}, "messages"),
    "wrong type": ({"temperature": "hot"}, "temperature"),
    "no such probability": ({"top_p": 2}, "top_p"),
    "two forms": ({"guided_regex": "a", "response_format": {"type": "json_object"}}, None),
    "stream options alone": ({"stream_options": {"include_usage": True}}, "stream_options"),
    "rivals without logprobs": ({"top_logprobs": 2}, "top_logprobs"),
    "two limits": ({"max_tokens": 1, "max_completion_tokens": 2}, "max_completion_tokens"),
    "past the context": ({"max_tokens": 100_000}, "max_tokens"),
    "unknown token": ({"logit_bias": {"9999": 1}}, "logit_bias"),
    "token that is no number": ({"logit_bias": {"x": 1}}, "logit_bias"),
    "unknown stop token": ({"stop_token_ids": [257]}, "stop_token_ids"),
    "impossible schema": ({"guided_regex": "impossible"}, "response_format"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_bad_request_gets_400_that_names_the_field(client, engine, name, stream):
    options, param = REFUSED[name]
    response = await ask(client, **{"stream": stream, **options} if stream else options)
    if name == "stream options alone" and stream:
        assert response.status_code == 200
        return
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert engine.num_running == 0


async def test_a_prompt_over_the_context_is_refused_with_both_numbers(client):
    messages = [{"role": "user", "content": "x" * 600}]
    error = (await ask(client, messages=messages)).json()["error"]
    assert error["code"] == "context_length_exceeded"
    assert "617" in error["message"]
    assert "512" in error["message"]


async def test_an_unknown_model_is_404(client):
    response = await ask(client, model="gpt-4")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
