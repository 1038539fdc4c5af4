"""The short form: a developer's check of the model that an application uses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from regard.tradeoffs.cells import write_cells
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.plan import Plan, new_plan, read_plan
from regard.tradeoffs.preflight import ModelChoice, check_model
from regard.tradeoffs.read_log import RunLog, read_run
from regard.tradeoffs.run import Display, RunOptions, missing, run
from regard.tradeoffs.states import TARGETS
from regard.tradeoffs.summary import summary_of
from regard.tradeoffs.verdict import judge

PLAN_FILE = "plan.json"
LOG_FOLDER = "logs"
CELLS_FILE = "cells.csv"
REPORT_FILE = "check.json"
READING = "logprob"
"""One token a cell: what a developer can wait for on the machine at hand."""
WHAT_IT_IS = (
    "A short form for developers, exploratory by design: it measures how choices respond to "
    "stipulated states, cannot show a trade-off (two gaps, one context), and certifies nothing "
    "about safety or feeling."
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """What the short form found."""

    verdicts: dict[str, str]
    """By target; the first gate that fails stands in it."""
    num_cells: int
    """Cells asked."""
    folder: Path
    """Plan, logs, table of cells and report."""

    def lines(self) -> list[str]:
        """What a terminal shows."""
        found = [f"{target}: {verdict}" for target, verdict in self.verdicts.items()]
        return [*found, f"{self.num_cells} cells; see {self.folder / REPORT_FILE}", WHAT_IT_IS]


def check(
    choice: ModelChoice, folder: Path, *, connections: int = 4, display: Display = "none"
) -> Check:
    """Asks a model the short factorial by log-probabilities and judges it.

    A folder that holds an earlier check of the same model goes on where that one stopped.

    Args:
        choice: The model, `ModelChoice(name="openai-api/regard/NAME", base_url=URL)` for our own
            server.
        folder: Where plan, logs, table and report go.
        connections: Calls at once.
        display: What Inspect shows meanwhile.

    Raises:
        TradeoffsError: The model or the folder cannot be used.
    """
    plan = _plan(folder / PLAN_FILE)
    logs = folder / LOG_FOLDER
    asked = missing(plan, choice.name, logs)
    if asked:
        # Low mass is no error here: the reading then fails its gate, and that is the finding.
        check_model(choice, plan, [cell for cell, _ in asked])
        run(plan, choice, asked, RunOptions(log_dir=logs, connections=connections, display=display))
    return _judged(read_run(logs, plan=plan.digest()), folder)


def _plan(path: Path) -> Plan:
    if path.is_file():
        return read_plan(path)
    plan = new_plan("factorial", size="short", reading=READING, runs=1)
    plan.write(path)
    return plan


def _judged(found: RunLog, folder: Path) -> Check:
    criteria = Criteria()
    verdicts = {target: judge(found.cells, target, criteria=criteria) for target in TARGETS}
    write_cells(found.cells, folder / CELLS_FILE)
    content = {
        "what": WHAT_IT_IS,
        "model": found.model,
        "plan": found.plan,
        "commit": found.commit,
        "first_sample_at": found.first_sample_at,
        "verdicts": {target: summary_of(verdict) for target, verdict in verdicts.items()},
    }
    report = json.dumps(content, indent=2, allow_nan=False) + "\n"
    (folder / REPORT_FILE).write_text(report, encoding="utf-8")
    return Check(
        verdicts={target: verdict.verdict for target, verdict in verdicts.items()},
        num_cells=len(found.cells),
        folder=folder,
    )
