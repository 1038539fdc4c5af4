"""What every skill promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from regard.world.failures import FailureKind, SkillFailure
from regard.world.skills.context import SkillContext


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What a skill is told; every field is the name of something in the scene."""

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON schema of the arguments, as language models are given it."""
        return {
            "type": "object",
            "properties": {
                field.name: {"type": "string", "description": field.metadata["help"]}
                for field in fields(cls)
            },
            "required": [field.name for field in fields(cls)],
            "additionalProperties": False,
        }

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Arguments:
        """Arguments from a mapping.

        Raises:
            SkillFailure: A name is missing, unknown or no text.
        """
        known = [field.name for field in fields(cls)]
        for name in known:
            if not isinstance(values.get(name), str) or not values[name]:
                raise SkillFailure(
                    FailureKind.IMPOSSIBLE, f"give {name!r} as a name, not {values.get(name)!r}"
                )
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SkillFailure(
                FailureKind.IMPOSSIBLE, f"unknown argument {unknown[0]!r}; there is: {known}"
            )
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a skill ended."""

    is_done: bool
    """Its effect was seen in the world."""

    words: str
    """The same for the person, one sentence."""

    failure: FailureKind | None = None
    """What went wrong, where something did."""


class Skill(ABC):
    """Something the arm can do with named objects."""

    name: ClassVar[str]
    """How planners call it: `put_in`."""

    summary: ClassVar[str]
    """What it does, in one line."""

    arguments: ClassVar[type[Arguments]]
    """What it is told."""

    is_repeatable: ClassVar[bool] = True
    """Whether a failed run may be tried once more without asking the person."""

    @abstractmethod
    def check(self, context: SkillContext, arguments: Any) -> None:
        """Preconditions, read from the world; nothing moves.

        Raises:
            SkillFailure: The first one that does not hold.
        """

    @abstractmethod
    def act(self, context: SkillContext, arguments: Any) -> None:
        """Does it.

        Raises:
            SkillFailure: It cannot be ended.
        """

    @abstractmethod
    def is_done(self, context: SkillContext, arguments: Any) -> bool:
        """Whether the effect is there, read from the world."""

    @abstractmethod
    def words(self, context: SkillContext, arguments: Any) -> str:
        """What was done, for the person."""
