"""`regard afd`: which verb to run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

EXIT_OK = 0
EXIT_USAGE = 2


class Verb(NamedTuple):
    """One verb, imported when it is asked for."""

    module: str
    """Where its `main(argv)` lives."""
    summary: str
    """What it does, in one line."""


VERBS = MappingProxyType(
    {
        "join": Verb("regard.serving.afd.join_command", "Become an instance of a running service"),
        "report": Verb(
            "regard.serving.afd.report_command", "Sum a timeline up: bubbles, straggler, bound"
        ),
        "simulate": Verb(
            "regard.serving.afd.simulation.command",
            "Predict the step time of any topology; nothing is run",
        ),
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one verb and returns its exit status."""
    arguments = list(argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help_text())
        return EXIT_OK if arguments else EXIT_USAGE
    name = arguments[0]
    if name not in VERBS:
        print(f"error: unknown verb {name!r}; choose one of: {', '.join(VERBS)}", file=sys.stderr)
        return EXIT_USAGE
    module = importlib.import_module(VERBS[name].module)
    return int(module.main(arguments[1:]))


def _help_text() -> str:
    width = max(map(len, VERBS))
    return "\n".join(
        [
            "usage: regard afd <verb> ... [--help]",
            "",
            "Attention and feed-forwards of a model as separate instances "
            "(attention-FFN disaggregation).",
            "",
            "verbs:",
            *(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items()),
            "",
            "example: regard afd simulate --preset step3-2a2f-4k",
        ]
    )
