"""The texts as they stand in the data files of this folder."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

FILES = ("wordings", "contexts", "sentences", "questions", "replica")


@cache
def texts(name: str) -> MappingProxyType[str, Any]:
    """One data file, by its name without suffix."""
    return MappingProxyType(tomllib.loads(_source(name)))


def prompts_hash() -> str:
    """SHA-256 over all texts: two logs with the same hash asked the same words."""
    joined = "\x1f".join(_source(name) for name in FILES)
    return hashlib.sha256(joined.encode()).hexdigest()


def _source(name: str) -> str:
    path = files("regard.tradeoffs.prompts").joinpath(f"{name}.toml")
    return path.read_text(encoding="utf-8")


WORDINGS: tuple[str, ...] = tuple(texts("wordings"))
"""Paraphrases of the game, in the order in which label pairs rotate."""

CONTEXTS: tuple[str, ...] = tuple(texts("contexts"))
"""Texts around the game; side blocks keep to the first."""
