import json

import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.tool_calls import ToolCallStream, forced_call

TOOLS = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "grasp"}},
]


def read(text: str, size: int, *, is_forced: bool) -> tuple[str, list[tuple[str, str]]]:
    stream = ToolCallStream(is_forced=is_forced)
    events = [e for i in range(0, len(text), size) for e in stream.push(text[i : i + size])]
    events += stream.flush()
    calls: list[list[str]] = []
    for event in events:
        if event.name is not None:
            calls.append([event.name, ""])
        if event.arguments:
            calls[-1][1] += event.arguments
    return "".join(e.content for e in events), [(name, text) for name, text in calls]


@pytest.mark.parametrize("size", [1, 3, 8, 1000])
def test_calls_between_marks_are_read_whatever_the_pieces(size):
    arguments = '{"where": "a \\"}{ b", "n": [1, {"x": 2}]}'
    text = (
        f'Sure. <tool_call>\n{{"name": "look", "arguments": {arguments}}}\n</tool_call>\n'
        '<tool_call>{"name": "grasp", "arguments": {}}</tool_call>done <tool'
    )
    content, calls = read(text, size, is_forced=False)
    assert content == "Sure. done <tool"
    assert calls == [("look", arguments), ("grasp", "{}")]
    assert json.loads(calls[0][1])["where"] == 'a "}{ b'


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_forced_call_is_bare_json(size):
    content, calls = read('{"name": "look", "arguments": {"a": 1}}', size, is_forced=True)
    assert (content, calls) == ("", [("look", '{"a": 1}')])


def test_a_malformed_call_is_text():
    text = "<tool_call>look at it</tool_call>"
    assert read(text, 1000, is_forced=False) == (text, [])
    assert read("<tool_call>half", 1000, is_forced=False) == ("<tool_call>half", [])


def test_a_forced_form_holds_the_named_tool():
    schema = json.loads(forced_call(TOOLS, "grasp").value)
    assert schema["properties"]["name"] == {"const": "grasp"}
    both = json.loads(forced_call(TOOLS, None).value)
    assert [s["properties"]["name"]["const"] for s in both["anyOf"]] == ["look", "grasp"]


@pytest.mark.parametrize(("tools", "name"), [(TOOLS, "fly"), ([], None), ([], "look")])
def test_a_choice_without_its_tool_is_refused(tools, name):
    with pytest.raises(InvalidRequestError, match="tool"):
        forced_call(tools, name)
