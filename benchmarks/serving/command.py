"""The command that stands in a row."""

from collections.abc import Sequence

LOCAL = ("--results", "--logs", "--log", "--trace", "--commit")
"""Where a run was made and kept says nothing of what was measured."""


def command_of(module: str, argv: Sequence[str]) -> str:
    """What was asked for, without `LOCAL` options and their values.

    Args:
        module: Of the benchmark.
        argv: Its arguments.
    """
    pairs = zip(("", *argv), argv, strict=False)
    kept = [
        each for before, each in pairs if before not in LOCAL and each.split("=")[0] not in LOCAL
    ]
    return " ".join((f"python -m {module}", *kept))
