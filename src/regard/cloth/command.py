"""`regard cloth`: watch, evaluate, and record policies that handle cloth."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from regard.common.verbs import Verb, VerbTable

TABLE = VerbTable(
    program="regard cloth",
    verbs=MappingProxyType(
        {
            "evaluate": Verb(
                "regard.cloth.evaluation.command", "Count how often a policy succeeds"
            ),
            "watch": Verb("regard.cloth.watching.command", "Write a clip of a policy at work"),
            "demos": Verb("regard.cloth.demonstrations.command", "Record demonstrations"),
        }
    ),
    example="regard cloth evaluate --task fold-diagonal --policy scripted --episodes 20",
    about="Fold and flatten simulated cloth.",
)


def main(argv: Sequence[str]) -> int:
    """Runs one verb."""
    return TABLE.run(argv)
