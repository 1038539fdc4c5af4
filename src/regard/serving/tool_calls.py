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
_MARK = re.compile(f"{START}|{END}")
# A call whose name does not come first is read whole, at its end mark; beyond this it is text.
_HEAD_LIMIT = 16384


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
    if len(chosen) == 1:
        schema = _call_schema(chosen[0], "#")
    else:
        schema = {"anyOf": [_call_schema(f, f"#/anyOf/{i}") for i, f in enumerate(chosen)]}
    return StructuredOutput("json_schema", json.dumps(schema))


def _call_schema(function: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The schema of a call, itself at `place` of the whole."""
    parameters = {"type": "object", **(function.get("parameters") or {})}
    if parameters["type"] != "object":
        raise InvalidRequestError(
            f"the parameters of tool {function['name']!r} have type {parameters['type']!r}; "
            "they must be an object",
            param="tools",
        )
    return {
        "type": "object",
        "properties": {
            "name": {"const": function["name"]},
            "arguments": _moved(parameters, f"{place}/properties/arguments"),
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(schema: Any, place: str) -> Any:
    """A schema whose references within itself hold at another place of a larger one."""
    if isinstance(schema, list):
        return [_moved(item, place) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {key: _moved(value, place) for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = place + reference[1:]
    return moved


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
        if self._state == "tail":
            rest = "" if self._is_forced else text.lstrip("} \n")
            return [ToolEvent(content=rest)] if rest else []
        if self._state == "head":
            return self._read_whole(text, "")
        return [ToolEvent(content=text)] if text else []

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
        if match is not None:
            events.append(ToolEvent(name=json.loads(match.group(1))))
            self._held, self._state = self._held[match.end() :], "arguments"
            self._scanner = _ObjectScanner()
            return True
        begun = self._held.lstrip()
        if begun and begun[0] != "{":
            return self._give_up(events)
        before, found, after = self._held.partition(END)
        if found and not self._is_forced:
            events += self._read_whole(before, END)
            self._held, self._state = after, "text"
            return True
        return len(begun) > _HEAD_LIMIT and self._give_up(events)

    def _give_up(self, events: list[ToolEvent]) -> bool:
        """What was taken for a call is text."""
        if not self._is_forced:
            events.append(ToolEvent(content=START))
        self._state = "text"
        return True

    def _read_whole(self, text: str, end: str) -> list[ToolEvent]:
        """A call in another order or form than usual; what is none is text."""
        call = _parse_call(text)
        if call is None:
            content = text if self._is_forced else START + text + end
            return [ToolEvent(content=content)] if content else []
        self._follows_call = True
        return [ToolEvent(name=call[0]), ToolEvent(arguments=call[1])]

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
        mark = _MARK.search(self._held)
        if mark is None:
            return False
        # Small models at times forget the end mark between two calls.
        self._state = "text" if mark.group() == END else "head"
        self._held, self._follows_call = self._held[mark.end() :], True
        return True


def _parse_call(text: str) -> tuple[str, str] | None:
    """Name and arguments of a whole call; no arguments are an empty object."""
    try:
        call = json.loads(text)
        arguments = call.get("arguments", call.get("parameters", {}))
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(call.get("name"), str) or not isinstance(arguments, dict):
        return None
    return call["name"], json.dumps(arguments, ensure_ascii=False)


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
