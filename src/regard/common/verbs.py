"""Commands that only choose one of several verbs: `regard bench ...`, `regard afd ...`."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

EXIT_OK = 0
EXIT_USAGE = 2


class Verb(NamedTuple):
    """One verb, imported when it is asked for."""

    module: str
    """Where its `main(argv)` lives."""
    summary: str
    """What it does, in one line."""


@dataclass(frozen=True, kw_only=True)
class VerbTable:
    """The verbs of a command."""

    program: str
    """How the command is called, `regard bench`."""
    verbs: Mapping[str, Verb]
    """By name."""
    example: str
    """A call that works."""
    noun: str = "verb"
    """What a verb is called here."""
    about: str = ""
    """What the command is about, in one line."""

    def run(self, argv: Sequence[str]) -> int:
        """Run the verb that the arguments name, and return its exit status."""
        arguments = list(argv)
        if not arguments or arguments[0] in ("-h", "--help", "help"):
            print(self.help_text())
            return EXIT_OK if arguments else EXIT_USAGE
        name = arguments[0]
        if name not in self.verbs:
            choices = ", ".join(self.verbs)
            print(f"error: unknown {self.noun} {name!r}; choose one of: {choices}", file=sys.stderr)
            return EXIT_USAGE
        module = importlib.import_module(self.verbs[name].module)
        return int(module.main(arguments[1:]))

    def help_text(self) -> str:
        """What `--help` prints."""
        width = max(map(len, self.verbs))
        return "\n".join(
            [
                f"usage: {self.program} <{self.noun}> ... [--help]",
                "",
                *([self.about, ""] if self.about else []),
                f"{self.noun}s:",
                *(f"  {name:<{width}}  {verb.summary}" for name, verb in self.verbs.items()),
                "",
                f"example: {self.example}",
            ]
        )
