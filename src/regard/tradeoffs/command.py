"""`regard tradeoffs`: plan, run and judge the points game."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from regard.common.verbs import Verb, VerbTable

ABOUT = (
    "Measure how a model's choices respond to stipulated states. "
    "It certifies nothing about safety or feeling."
)

# Analysis verbs and measuring verbs, in the order in which they are used.
VERBS = MappingProxyType(
    {
        "plan": Verb("regard.tradeoffs.plan_command", "write design, criteria and hashes down"),
        "run": Verb("regard.tradeoffs.run_command", "ask a model, or go on where a run stopped"),
        "cells": Verb("regard.tradeoffs.cells_command", "write the logs of a run as a table"),
        "verdict": Verb("regard.tradeoffs.verdict_command", "judge the logs of a run"),
        "report": Verb("regard.tradeoffs.report_command", "write one HTML page of a run"),
        "compare": Verb(
            "regard.tradeoffs.compare_command", "set the verdicts of several runs side by side"
        ),
        "fit": Verb("regard.tradeoffs.fit_command", "fit a table of cells from elsewhere"),
        "power": Verb("regard.tradeoffs.power_command", "how many wordings an effect needs"),
        "zoo": Verb("regard.tradeoffs.zoo_command", "judge respondents whose truth is known"),
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one verb of `regard tradeoffs`."""
    table = VerbTable(
        program="regard tradeoffs",
        verbs=VERBS,
        example="regard tradeoffs plan --out plan.json",
        about=ABOUT,
    )
    return table.run(argv)
