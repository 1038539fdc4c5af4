"""A picture on its way through the engine."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class PromptImage:
    """A picture in a prompt, still encoded."""

    data: bytes
    """The file: PNG, JPEG or WebP."""
    start: int
    """Index of its first token in the prompt."""
    num_tokens: int
    """How many tokens stand for it."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """For another process: the file in base64."""
        data = base64.b64encode(self.data).decode()
        return {"data": data, "start": self.start, "num_tokens": self.num_tokens}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "PromptImage":
        """Read what `to_json` gave."""
        return cls(base64.b64decode(data["data"]), int(data["start"]), int(data["num_tokens"]))
