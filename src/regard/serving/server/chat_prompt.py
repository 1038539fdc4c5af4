"""A conversation as the chat template wants it."""

import json
from typing import Any

from regard.serving.content_parts import join_parts
from regard.serving.errors import InvalidRequestError
from regard.serving.server.chat_images import ChatImages
from regard.serving.server.chat_protocol import ContentPart, Message, MessageToolCall


def template_messages(messages: list[Message], images: ChatImages) -> list[dict[str, Any]]:
    """The messages as plain dictionaries, with the model's mark wherever a picture stands.

    Args:
        messages: as the client sent them.
        images: takes the pictures, in order.

    Raises:
        InvalidRequestError: a picture that cannot be taken, or arguments that are no JSON object.
    """
    return [_template_message(message, number, images) for number, message in enumerate(messages)]


def _template_message(message: Message, number: int, images: ChatImages) -> dict[str, Any]:
    content = message.content
    if content is None and not message.tool_calls:
        raise InvalidRequestError(
            f"messages.{number} has neither content nor tool calls",
            param=f"messages.{number}.content",
        )
    result: dict[str, Any] = {
        # Templates know OpenAI's newer role by its older name.
        "role": "system" if message.role == "developer" else message.role,
        "content": content if isinstance(content, str) else _text(content or [], number, images),
    }
    if message.name is not None:
        result["name"] = message.name
    if message.tool_call_id is not None:
        result["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        result["tool_calls"] = [_template_call(call, number) for call in message.tool_calls]
    return result


def _text(parts: list[ContentPart], number: int, images: ChatImages) -> str:
    def take(url: str, position: int) -> str:
        return images.take(url, f"messages.{number}.content.{position}")

    return join_parts([part.model_dump() for part in parts], take)


def _template_call(call: MessageToolCall, number: int) -> dict[str, Any]:
    try:
        arguments = json.loads(call.function.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"the arguments of {call.function.name!r} are not JSON: {error}",
            param=f"messages.{number}.tool_calls",
        ) from error
    if not isinstance(arguments, dict):
        raise InvalidRequestError(
            f"the arguments of {call.function.name!r} are not a JSON object",
            param=f"messages.{number}.tool_calls",
        )
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.function.name, "arguments": arguments},
    }
