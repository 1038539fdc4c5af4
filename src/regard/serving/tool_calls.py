"""Tool calls: the form a model must keep to, and the calls read from its text as it comes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from regard.serving.errors import InvalidRequestError
from regard.serving.reasoning import held_back
from regard.serving.sampling_params import StructuredOutput

START, END = "<tool_call>", "</tool_call>"
_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)')
_HEAD_LIMIT = 2048


class ToolEvent(NamedTuple):
    """What an answer gained."""

    content: str = ""
    """Text outside calls."""
    name: str | None = None
    """A call to this tool begins."""
    arguments: str = ""
    """More of the current call's arguments, as JSON text."""


def forced_call(tools: Sequence[Mapping[str, Any]], name: str | None) -> StructuredOutput:
    """The form {"name": tool, "arguments": {...}} for one named tool, or any of them.

    Args:
        tools: OpenAI tools of type function.
        name: the tool that must be called; None for any.

    Raises:
        InvalidRequestError: no tool of that name, or none at all.
    """
    functions = [tool["function"] for tool in tools]
    chosen = [f for f in functions if name is None or f["name"] == name]
    if not chosen:
        known = ", ".join(f["name"] for f in functions) or "none"
        raise InvalidRequestError(
            f"tool_choice names {name!r}; tools: {known}" if name else "tool_choice needs tools",
            param="tool_choice",
        )
    calls = [_call_schema(function) for function in chosen]
    schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return StructuredOutput("json_schema", json.dumps(schema))


def _call_schema(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "name": {"const": function["name"]},
            "arguments": function.get("parameters") or {"type": "object"},
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


class ToolCallStream:
    """Reads calls from text: bare JSON where a call is forced, else between <tool_call> marks."""

    def __init__(self, *, is_forced: bool) -> None:
        self._is_forced = is_forced
        self._state: Literal["text", "head", "arguments", "tail"] = "head" if is_forced else "text"
        self._held = ""
        self._follows_call = False
        self._scanner = _ObjectScanner()

    def push(self, text: str) -> list[ToolEvent]:
        """Take new text."""
        self._held += text
        events: list[ToolEvent] = []
        while self._advance(events):
            pass
        return events

    def flush(self) -> list[ToolEvent]:
        """What was held back at the end; a call that never began properly is text."""
        text, self._held = self._held, ""
        if not text or self._state == "tail":
            return []
        if self._state == "arguments":
            return [ToolEvent(arguments=text)]
        return [
            ToolEvent(
                content=START + text if self._state == "head" and not self._is_forced else text
            )
        ]

    def _advance(self, events: list[ToolEvent]) -> bool:
        """Do one piece of work; whether there may be more."""
        return {
            "text": self._read_text,
            "head": self._read_head,
            "arguments": self._read_arguments,
            "tail": self._read_tail,
        }[self._state](events)

    def _read_text(self, events: list[ToolEvent]) -> bool:
        if self._follows_call:
            self._held = self._held.lstrip()
            self._follows_call = not self._held
        before, found, after = self._held.partition(START)
        if not found:
            size = len(self._held) - held_back(self._held, START)
            before, after = self._held[:size], self._held[size:]
        if before:
            events.append(ToolEvent(content=before))
        self._held = after
        if found:
            self._state = "head"
        return bool(found)

    def _read_head(self, events: list[ToolEvent]) -> bool:
        match = _HEAD.match(self._held)
        if match is None:
            if len(self._held) > _HEAD_LIMIT or (not self._is_forced and END in self._held):
                mark = "" if self._is_forced else START
                events.append(ToolEvent(content=mark + self._held))
                self._held, self._state = "", "tail" if self._is_forced else "text"
            return False
        events.append(ToolEvent(name=json.loads(match.group(1))))
        self._held, self._state = self._held[match.end() :], "arguments"
        self._scanner = _ObjectScanner()
        return True

    def _read_arguments(self, events: list[ToolEvent]) -> bool:
        size = self._scanner.scan(self._held)
        if size:
            events.append(ToolEvent(arguments=self._held[:size]))
        self._held = self._held[size:]
        if self._scanner.is_complete:
            self._state = "tail"
            return True
        return False

    def _read_tail(self, events: list[ToolEvent]) -> bool:
        if self._is_forced:
            self._held = ""
            return False
        _, found, after = self._held.partition(END)
        if not found:
            return False
        self._held, self._state, self._follows_call = after, "text", True
        return True


class _ObjectScanner:
    """Finds the end of one JSON object that comes in pieces."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = self._escaped = False
        self.is_complete = False

    def scan(self, text: str) -> int:
        """How many characters of `text` belong to the object."""
        for place, character in enumerate(text):
            if self._in_string:
                if self._escaped:
                    self._escaped = False
                elif character == "\\":
                    self._escaped = True
                elif character == '"':
                    self._in_string = False
            elif character == '"':
                self._in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self.is_complete = True
                    return place + 1
        return len(text)
