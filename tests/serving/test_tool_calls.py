import json

import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.structured import compile_grammar
from regard.serving.tool_calls import ToolCallStream, forced_call
from tests.serving.tiny import byte_tokenizer

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


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_malformed_call_is_text_and_the_next_is_read(size):
    wrong = "<tool_call>look at <tool_call>{it}</tool_call> <tool_call>[1]</tool_call>"
    right = '<tool_call>{"name": "look", "arguments": {"a": 1}}</tool_call>'
    assert read(wrong, size, is_forced=False) == (wrong, [])
    assert read(wrong + right, size, is_forced=False) == (wrong, [("look", '{"a": 1}')])
    for text in ("<tool_call>half", '<tool_call>{"name": "lo', "<tool_call></tool_call>"):
        assert read(text, size, is_forced=False) == (text, [])


@pytest.mark.parametrize("size", [1, 6, 1000])
@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ('{"arguments": {"a": "}"}, "name": "look"}', {"a": "}"}),
        ('{"name": "look", "arguments": "{\\"a\\": 2}"}', {"a": 2}),
        ('{"name": "look", "parameters": {"a": [3]}}', {"a": [3]}),
        ('{"name": "look"}', {}),
    ],
)
def test_calls_in_another_form_are_read_at_their_end(call, arguments, size):
    for text in (f"so <tool_call>{call}</tool_call>", f"so <tool_call>{call}"):
        content, calls = read(text, size, is_forced=False)
        assert content == "so "
        assert [(name, json.loads(text)) for name, text in calls] == [("look", arguments)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_end_mark_may_be_missing(size):
    first, second = '{"name": "look", "arguments": {}}', '{"name": "grasp", "arguments": {}}'
    text = f"<tool_call>{first}\n<tool_call>{second}}}\nDone."
    content, calls = read(text, size, is_forced=False)
    assert content == "Done."
    assert [name for name, _ in calls] == ["look", "grasp"]


def test_arguments_are_streamed_as_they_come():
    stream = ToolCallStream(is_forced=False)
    assert stream.push('<tool_call>{"name": "look", "argu') == []
    (begun, first) = stream.push('ments": {"a": "lo')
    assert (begun.name, first.arguments) == ("look", '{"a": "lo')
    assert [event.arguments for event in stream.push('ng"')] == ['ng"']


def test_a_forced_form_holds_the_named_tool():
    schema = json.loads(forced_call(TOOLS, "grasp").value)
    assert schema["properties"]["name"] == {"const": "grasp"}
    both = json.loads(forced_call(TOOLS, None).value)
    assert [s["properties"]["name"]["const"] for s in both["anyOf"]] == ["look", "grasp"]


@pytest.mark.parametrize("name", ["move", None])
def test_references_within_a_tools_schema_hold_in_the_form(name):
    """Schemas made by pydantic refer to #/$defs."""
    place = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    parameters = {
        "properties": {"to": {"$ref": "#/$defs/Place"}},
        "required": ["to"],
        "additionalProperties": False,
        "$defs": {"Place": place | {"additionalProperties": False}},
    }
    move = {"type": "function", "function": {"name": "move", "parameters": parameters}}
    tokenizer = byte_tokenizer()
    form = forced_call([*TOOLS, move], name)
    for text, fits in [
        ('{"name":"move","arguments":{"to":{"x":1}}}', True),
        ('{"name":"move","arguments":{"to":{"x":"1"}}}', False),
    ]:
        state = compile_grammar(form, tokenizer)
        for token_id in tokenizer.encode(text):
            state.accept(token_id)
        assert (state.problem is None and state.is_finished) is fits


def test_parameters_that_are_no_object_are_refused():
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "string"}}}
    with pytest.raises(InvalidRequestError, match="'look' have type 'string'"):
        forced_call([tool], "look")


@pytest.mark.parametrize(("tools", "name"), [(TOOLS, "fly"), ([], None), ([], "look")])
def test_a_choice_without_its_tool_is_refused(tools, name):
    with pytest.raises(InvalidRequestError, match="tool"):
        forced_call(tools, name)
