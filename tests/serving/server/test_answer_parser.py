import pytest

from regard.serving.reasoning import ReasoningSplitter
from regard.serving.server.answer_parser import AnswerParser, merge_parts
from regard.serving.tool_calls import ToolCallStream
from tests.serving.server.fake_engine import FakeEngine
from tests.serving.server.test_chat import ask, events_of

TEXT = (
    "<think>first look</think>Here: "
    '<tool_call>{"name": "a", "arguments": {"x": 1}}</tool_call>'
    '<tool_call>{"name": "b", "arguments": {}}</tool_call>'
)
THINKING_TEMPLATE = "{{ messages }}{{ tools }}<think></think>"


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_all_kinds_are_found_however_the_text_is_cut(size: int):
    parser = AnswerParser(reasoning=ReasoningSplitter(), calls=ToolCallStream(is_forced=False))
    parts = [parser.push(TEXT[start : start + size]) for start in range(0, len(TEXT), size)]
    content, reasoning, calls = merge_parts([*parts, parser.flush()])
    assert (content, reasoning) == ("Here: ", "first look")
    assert [call.function for call in calls] == [
        {"name": "a", "arguments": '{"x": 1}'},
        {"name": "b", "arguments": "{}"},
    ]
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize("size", [1, 1000])
def test_marks_that_never_end_lose_no_text(size: int):
    parser = AnswerParser(reasoning=ReasoningSplitter(), calls=ToolCallStream(is_forced=False))
    text = "a <tool_call> b <thi"
    parts = [parser.push(text[start : start + size]) for start in range(0, len(text), size)]
    assert merge_parts([*parts, parser.flush()]) == (text, "", [])


def test_plain_text_passes_through():
    parser = AnswerParser()
    assert merge_parts([parser.push(TEXT), parser.flush()]) == (TEXT, "", [])


async def test_reasoning_has_a_field_of_its_own(client, engine: FakeEngine):
    engine.tokenizer.chat_template = THINKING_TEMPLATE
    engine.answer = "<think>why</think>because"
    message = (await ask(client)).json()["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("why", "because")
    deltas = [e["choices"][0]["delta"] for e in events_of(await ask(client, stream=True))]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "why"
    assert "".join(delta.get("content", "") for delta in deltas) == "because"


async def test_a_prompt_that_opens_the_reasoning_lets_it_begin_at_once(client, engine: FakeEngine):
    engine.tokenizer.chat_template = THINKING_TEMPLATE
    engine.answer = "why</think>because"
    opening = [{"role": "user", "content": "x<think>"}]
    answer = await ask(client, messages=opening, add_generation_prompt=False)
    message = answer.json()["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("why", "because")


async def test_a_form_leaves_no_room_for_reasoning(client, engine: FakeEngine):
    engine.tokenizer.chat_template = THINKING_TEMPLATE
    engine.answer = "{}"
    opening = [{"role": "user", "content": "x<think>"}]
    form = {"type": "json_object"}
    answer = await ask(client, messages=opening, add_generation_prompt=False, response_format=form)
    assert answer.json()["choices"][0]["message"]["content"] == "{}"
