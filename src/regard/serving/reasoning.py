"""Separates a model's reasoning from its answer, where its template marks it."""

from typing import NamedTuple

START, END = "<think>", "</think>"


class SplitText(NamedTuple):
    """New text by kind."""

    reasoning: str = ""
    """Between the marks."""
    content: str = ""
    """Outside them."""


def held_back(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    for size in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:size]):
            return size
    return 0


class ReasoningSplitter:
    """Follows a text that may hold reasoning between <think> and </think>.

    Marks may be cut anywhere between pushes.
    """

    def __init__(self, *, starts_inside: bool = False) -> None:
        """Args: starts_inside: the prompt ends with <think>, so that the answer begins inside."""
        self._inside = starts_inside
        self._held = ""

    def push(self, text: str) -> SplitText:
        """Take new text."""
        self._held += text
        reasoning, content = "", ""
        while True:
            mark = END if self._inside else START
            before, found, after = self._held.partition(mark)
            if not found:
                size = len(self._held) - held_back(self._held, mark)
                before, self._held = self._held[:size], self._held[size:]
            if self._inside:
                reasoning += before
            else:
                content += before
            if not found:
                return SplitText(reasoning, content)
            self._inside, self._held = not self._inside, after

    def flush(self) -> SplitText:
        """What was held back at the end."""
        text, self._held = self._held, ""
        return SplitText(text, "") if self._inside else SplitText("", text)


def marks_reasoning(chat_template: str | None) -> bool:
    """Whether a model's template marks reasoning."""
    return chat_template is not None and END in chat_template
