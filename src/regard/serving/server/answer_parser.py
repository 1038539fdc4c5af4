"""Separates an answer's text into content, reasoning and tool calls."""

from collections.abc import Sequence
from typing import NamedTuple

from regard.serving.server.chat_protocol import ToolCall, ToolCallDelta


class AnswerPart(NamedTuple):
    """What an answer gained, by kind."""

    content: str = ""
    """For the reader."""
    reasoning: str = ""
    """Between the marks of the model's template."""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    """Calls, piece by piece."""


class AnswerParser:
    """Follows one answer as its text arrives."""

    def push(self, text: str) -> AnswerPart:
        """Take new text."""
        return AnswerPart(content=text)

    def flush(self) -> AnswerPart:
        """What was held back at the end."""
        return AnswerPart()


def merge_parts(parts: Sequence[AnswerPart]) -> tuple[str, str, list[ToolCall]]:
    """Content, reasoning and whole tool calls of an answer's parts."""
    calls: dict[int, ToolCall] = {}
    for delta in (delta for part in parts for delta in part.tool_calls):
        if delta.index not in calls:
            calls[delta.index] = ToolCall(
                id=delta.id or "", type="function", function={"name": "", "arguments": ""}
            )
        for key, piece in delta.function.items():
            calls[delta.index].function[key] += piece
    content = "".join(part.content for part in parts)
    reasoning = "".join(part.reasoning for part in parts)
    return content, reasoning, [calls[index] for index in sorted(calls)]
