"""The tools of a request: what the model is told of them and how it may call them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regard.serving.errors import InvalidRequestError
from regard.serving.sampling_params import StructuredOutput
from regard.serving.server.chat_protocol import ChatCompletionRequest
from regard.serving.tool_calls import END, START, ToolCallStream, forced_call

INSTRUCTIONS = (
    "You may call one or more of these functions to help with the user's query:\n"
    "<tools>\n{tools}\n</tools>\n"
    "For each call answer with a JSON object between these marks:\n"
    f'{START}\n{{{{"name": <function name>, "arguments": <arguments object>}}}}\n{END}'
)


@dataclass(frozen=True)
class ToolUse:
    """How one request uses tools."""

    tools: tuple[Mapping[str, Any], ...] = ()
    """What the model is told of, as OpenAI's objects."""
    form: StructuredOutput | None = None
    """The form of a call, where one is forced."""

    def stream(self) -> ToolCallStream | None:
        """A reader of calls for one answer; None where none can come."""
        return ToolCallStream(is_forced=self.form is not None) if self.tools else None


def tool_use(body: ChatCompletionRequest) -> ToolUse:
    """The tools of a request.

    Raises:
        InvalidRequestError: a choice without its tool, or a schema that is no JSON.
    """
    tools = tuple(tool.model_dump(exclude_none=True) for tool in body.tools or ())
    _check_schemas(tools)
    choice = body.tool_choice or "auto"
    if choice == "none":
        return ToolUse()
    if choice == "auto":
        return ToolUse(tools)
    name = None if choice == "required" else choice.function.name
    return ToolUse(tools, forced_call(tools, name))


def describe_in_messages(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The messages with tools, calls and answers as text, for templates that know none of them."""
    told = [_as_text(message) for message in messages]
    if not tools:
        return told
    listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    text = INSTRUCTIONS.format(tools=listed)
    if told and told[0]["role"] == "system":
        told[0]["content"] += "\n\n" + text
        return told
    return [{"role": "system", "content": text}, *told]


def _as_text(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message["content"]
    if message["role"] == "tool":
        content = f"<tool_response>\n{content}\n</tool_response>"
    calls = [
        f"{START}\n{json.dumps(call['function'], ensure_ascii=False)}\n{END}"
        for call in message.get("tool_calls", ())
    ]
    return {"role": message["role"], "content": "\n".join([content, *calls] if content else calls)}


def _check_schemas(tools: Sequence[Mapping[str, Any]]) -> None:
    for number, tool in enumerate(tools):
        try:
            json.dumps(tool, allow_nan=False)
        except ValueError as error:
            raise InvalidRequestError(
                f"tools.{number} holds a number out of range: {error}",
                param=f"tools.{number}.function.parameters",
            ) from error
