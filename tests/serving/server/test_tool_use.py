import json

import httpx
import openai
import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.server.chat_protocol import ChatCompletionRequest
from regard.serving.server.tool_use import describe_in_messages, tool_use
from tests.serving.server.fake_engine import FakeEngine
from tests.serving.server.test_chat import HELLO, ask, events_of

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Looks out of the window.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    },
}
TIME = {"type": "function", "function": {"name": "time"}}
NAMED = {"type": "function", "function": {"name": "weather"}}
ARGUMENTS = '{"place": "Vaduz {\\"}"}'
FORCED = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'
MARKED = f"Let me look. <tool_call>\n{FORCED}\n</tool_call>"


def request(**options: object) -> ChatCompletionRequest:
    return ChatCompletionRequest.model_validate({"messages": HELLO, **options})


async def test_a_marked_call_is_a_tool_call(client: httpx.AsyncClient, engine: FakeEngine):
    engine.answer = MARKED
    [choice] = (await ask(client, tools=[WEATHER])).json()["choices"]
    [call] = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": ARGUMENTS}
    assert call["id"].startswith("call_")
    assert choice["message"]["content"] == "Let me look. "
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("choice", ["required", NAMED], ids=["required", "named"])
async def test_a_forced_call_keeps_to_the_tools_schema(client, engine: FakeEngine, choice):
    engine.answer = FORCED
    [answer] = (await ask(client, tools=[WEATHER, TIME], tool_choice=choice)).json()["choices"]
    assert answer["message"]["content"] is None
    assert answer["message"]["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
    form = engine.requests[0].params.structured
    assert form is not None
    assert form.kind == "json_schema"
    assert "weather" in form.value
    assert ("time" in form.value) == (choice == "required")


async def test_streamed_arguments_come_piece_by_piece_under_one_id(client, engine: FakeEngine):
    engine.answer = MARKED
    events = events_of(await ask(client, tools=[WEATHER], stream=True))
    deltas = [event["choices"][0]["delta"] for event in events]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert sum("id" in call for call in calls) == 1
    assert calls[0]["function"]["name"] == "weather"
    assert "".join(call["function"]["arguments"] for call in calls) == ARGUMENTS
    assert len(calls) > 5
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_without_tools_the_marks_are_text(client, engine: FakeEngine):
    engine.answer = MARKED
    for options in ({}, {"tools": [WEATHER], "tool_choice": "none"}):
        message = (await ask(client, **options)).json()["choices"][0]["message"]
        assert message["content"] == MARKED
        assert "tool_calls" not in message


async def test_the_template_is_told_of_the_tools(client, engine: FakeEngine):
    await ask(client, tools=[TIME], max_tokens=1)
    assert json.dumps([TIME]).encode() in bytes(engine.requests[0].prompt_token_ids)


async def test_a_template_without_tools_is_told_in_words(client, engine: FakeEngine):
    engine.tokenizer.chat_template = "{{ messages }}"
    await ask(client, tools=[TIME], max_tokens=1)
    prompt = bytes(engine.requests[0].prompt_token_ids).decode()
    assert prompt.startswith("<system>You may call")
    assert json.dumps(TIME) in prompt


def test_an_earlier_call_and_its_answer_become_words():
    told = describe_in_messages(
        [
            {"role": "system", "content": "Be kind."},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"name": "time", "arguments": {}}}],
            },
            {"role": "tool", "content": "noon", "tool_call_id": "1"},
        ],
        [TIME],
    )
    assert told[0]["content"].startswith("Be kind.\n\nYou may call")
    assert told[1]["content"] == '<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>'
    assert told[2] == {"role": "tool", "content": "<tool_response>\nnoon\n</tool_response>"}


@pytest.mark.parametrize(
    "options",
    [
        {"tool_choice": "required"},
        {"tool_choice": NAMED},
        {"tools": [TIME], "tool_choice": NAMED},
    ],
    ids=["required", "named", "other"],
)
def test_a_choice_without_its_tool_is_refused(options: dict[str, object]):
    with pytest.raises(InvalidRequestError) as refusal:
        tool_use(request(**options))
    assert refusal.value.param == "tool_choice"


async def test_a_forced_call_and_another_form_exclude_each_other(client: httpx.AsyncClient):
    response = await ask(client, tools=[TIME], tool_choice="required", guided_regex="a")
    assert response.status_code == 400


async def test_a_tools_schema_with_an_infinite_number_is_refused(client: httpx.AsyncClient):
    body = json.dumps({"messages": HELLO, "tools": [WEATHER]}).replace('"string"', "1e400")
    response = await client.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "tools.0.function.parameters"


def test_the_official_client_reads_streamed_calls(serve, engine: FakeEngine):
    engine.answer = MARKED
    with (
        openai.OpenAI(base_url=f"{serve(engine)}/v1", api_key="x", max_retries=0) as official,
        official.chat.completions.stream(model="fake", messages=HELLO, tools=[WEATHER]) as stream,
    ):
        [call] = stream.get_final_completion().choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == json.loads(ARGUMENTS)
