"""What texts there are, by name."""

from __future__ import annotations

WORDINGS: tuple[str, ...] = (
    "plain",
    "offer",
    "quiz",
    "list",
    "turn",
    "memo",
    "brief",
    "formal",
    "spoken",
    "table",
    "rules",
    "letter",
)
"""Paraphrases of the game, in the order in which label pairs rotate."""

CONTEXTS: tuple[str, ...] = ("bare", "story")
"""Texts around the game; side blocks keep to the first."""
