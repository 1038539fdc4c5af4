"""What a text answer says: strictly one label, a refusal, or nothing that can be counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

Outcome = Literal["choice", "refused", "unparsed"]

# Decoration that changes nothing: quotes, emphasis, brackets, list marks.
_TRIM = " \t\r\n\"'`*_()[]{}<>.,:;!-\u2013\u2014\u2018\u2019\u201c\u201d"
_LEAD = (
    r"(?:(?:my |the |final )*(?:answer|choice|selection|decision|reply|pick)(?: is|:)?\s+"
    r"|i(?:'ll|'d| will| would)? (?:choose|pick|select|take|press|open|go with)\s+)?"
    r"(?:(?:the )?(?:option|offer|answer|item|move|button|alternative|entry|door|envelope|number)"
    r"\s+)?"
)
_DECLINES = re.compile(
    r"\b(?:i(?:'m| am)? (?:sorry|unable|not able|not comfortable)"
    r"|i (?:can(?:no|')t|won't|will not|refuse|decline|must decline|would rather not|don't want to)"
    r"|i'd (?:rather|prefer) not|cannot (?:choose|make|participate|comply)"
    r"|as an ai\b.*\b(?:don't|do not|cannot|can't))",
    re.IGNORECASE | re.DOTALL,
)


class Answer(NamedTuple):
    """One parsed answer."""

    outcome: Outcome
    label: str | None = None
    """The label chosen; None unless the outcome is a choice."""


def parse_answer(text: str, labels: Sequence[str]) -> Answer:
    """Reads an answer strictly.

    It counts as a choice when it is one label, bare or after a phrase such as "I choose option",
    and, where it goes on after that, never names the other label. Letters must be capital, as they
    were listed. Digits must not run on ("1.1" is no choice of 1).
    """
    # Typographic apostrophes would hide "can't" from the patterns.
    plain = text.replace("\u2019", "'")
    for label in labels:
        if _says(plain, label):
            others = [other for other in labels if other != label]
            if any(_names(plain, other) for other in others):
                return Answer("unparsed")
            return Answer("choice", label)
    return Answer("refused") if _DECLINES.search(plain) else Answer("unparsed")


def _says(text: str, label: str) -> bool:
    trimmed = text.strip(_TRIM)
    case = "" if len(label) == 1 else "(?i:"
    name = re.escape(label) if not case else f"{case}{re.escape(label)})"
    # After the label: nothing, or a break that starts another clause or line.
    pattern = rf"(?i:{_LEAD})[\"'`*(\[]*{name}(?:[\"'`*)\]]*(?:$|[.,;:!](?!\d)|\s+(?=\S)))"
    found = re.match(pattern, trimmed)
    if found is None:
        return False
    rest = trimmed[found.end() :].lstrip(_TRIM)
    # "K." and "K, because ..." say K; "K is what I avoid" does not.
    ended = not rest or trimmed[: found.end()].rstrip(" \t")[-1] in ".,;:!\n"
    return ended or bool(re.match(r"(?:because|since|as|for)\b", rest))


def _names(text: str, label: str) -> bool:
    flags = 0 if len(label) == 1 else re.IGNORECASE
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text, flags) is not None
