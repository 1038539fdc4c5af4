"""Separates an answer's text into content, reasoning and tool calls."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from regard.serving.reasoning import ReasoningSplitter
from regard.serving.server.chat_protocol import ToolCall, ToolCallDelta
from regard.serving.tool_calls import ToolCallStream, ToolEvent


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

    def __init__(
        self, *, reasoning: ReasoningSplitter | None = None, calls: ToolCallStream | None = None
    ) -> None:
        """Take what reads the text.

        Args:
            reasoning: where the model's template marks reasoning.
            calls: where the request has tools.
        """
        self._reasoning = reasoning
        self._calls = calls
        self._num_calls = 0

    def push(self, text: str) -> AnswerPart:
        """Take new text."""
        if self._reasoning is None:
            return self._read(text, "")
        split = self._reasoning.push(text)
        return self._read(split.content, split.reasoning)

    def flush(self) -> AnswerPart:
        """What was held back at the end."""
        reasoning = ""
        events: list[ToolEvent] = []
        if self._reasoning is not None:
            reasoning, content = self._reasoning.flush()
            events = self._events(content)
        if self._calls is not None:
            events += self._calls.flush()
        return self._part(events, reasoning)

    def _read(self, content: str, reasoning: str) -> AnswerPart:
        return self._part(self._events(content), reasoning)

    def _events(self, content: str) -> list[ToolEvent]:
        if self._calls is None:
            return [ToolEvent(content=content)]
        return self._calls.push(content)

    def _part(self, events: Sequence[ToolEvent], reasoning: str) -> AnswerPart:
        deltas: list[ToolCallDelta] = []
        for event in events:
            if event.name is None and not event.arguments:
                continue
            delta = self._delta(event)
            if deltas and deltas[-1].index == delta.index:
                deltas[-1].function["arguments"] += event.arguments
            else:
                deltas.append(delta)
        content = "".join(event.content for event in events)
        return AnswerPart(content, reasoning, tuple(deltas))

    def _delta(self, event: ToolEvent) -> ToolCallDelta:
        if event.name is None:
            return ToolCallDelta(index=self._num_calls - 1, function={"arguments": event.arguments})
        self._num_calls += 1
        return ToolCallDelta(
            index=self._num_calls - 1,
            id=f"call_{uuid.uuid4().hex[:24]}",
            type="function",
            function={"name": event.name, "arguments": event.arguments},
        )


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
