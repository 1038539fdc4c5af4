import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.server.chat_images import ChatImages
from regard.serving.server.chat_prompt import template_messages
from regard.serving.server.chat_protocol import Message
from regard.serving.server.config import ServerConfig


def messages(*given: dict[str, object]) -> list[dict[str, object]]:
    images = ChatImages(None, ServerConfig())
    return template_messages([Message.model_validate(message) for message in given], images)


def call(arguments: str) -> dict[str, object]:
    function = {"name": "f", "arguments": arguments}
    return {"id": "1", "type": "function", "function": function}


def test_developers_speak_as_the_system():
    assert messages({"role": "developer", "content": "x"}) == [{"role": "system", "content": "x"}]


def test_templates_get_the_arguments_of_calls_as_objects():
    [message] = messages({"role": "assistant", "tool_calls": [call('{"a": 1}')]})
    assert message["content"] == ""
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": {"a": 1}}


def test_answers_of_tools_keep_the_id_of_their_call():
    [message] = messages({"role": "tool", "content": "4", "tool_call_id": "1"})
    assert message["tool_call_id"] == "1"


@pytest.mark.parametrize("arguments", ["{", "[]", "3", "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: str):
    with pytest.raises(InvalidRequestError, match="'f'"):
        messages({"role": "assistant", "tool_calls": [call(arguments)]})


def test_a_message_with_nothing_in_it_is_refused():
    with pytest.raises(InvalidRequestError) as refusal:
        messages({"role": "user", "content": "x"}, {"role": "assistant"})
    assert refusal.value.param == "messages.1.content"


def test_a_message_that_the_official_client_hands_back_is_taken():
    handed_back = {
        "role": "assistant",
        "content": "x",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
        "reasoning_content": "because",
    }
    assert messages(handed_back) == [{"role": "assistant", "content": "x"}]
