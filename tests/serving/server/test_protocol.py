import pytest
from pydantic import ValidationError

from regard.serving.server.chat_protocol import ChatCompletionRequest
from regard.serving.server.completion_protocol import CompletionRequest

IGNORED = {
    "user": "u",
    "store": True,
    "metadata": {"a": {"b": 1}},
    "service_tier": "auto",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
}
IGNORED_IN_CHATS = {"parallel_tool_calls": False, "reasoning_effort": "low", "verbosity": "low"}


@pytest.mark.parametrize("model", [ChatCompletionRequest, CompletionRequest])
def test_documented_ignored_fields_are_the_accepted_ones(model):
    documented = {
        name
        for name, field in model.model_fields.items()
        if (field.description or "").startswith("Accepted and ignored")
    }
    expected = IGNORED | (IGNORED_IN_CHATS if model is ChatCompletionRequest else {})
    assert documented == set(expected)
    required = {"prompt": "x", "messages": [{"role": "user", "content": "x"}]}
    given = {name: value for name, value in required.items() if name in model.model_fields}
    model.model_validate({**given, **expected})


@pytest.mark.parametrize("prompt", [[], [[]], [["a"]], [1, "a"], 3, None, {"a": 1}, [True]])
def test_prompts_of_other_shapes_are_refused(prompt: object):
    with pytest.raises(ValidationError):
        CompletionRequest.model_validate({"prompt": prompt})
