"""`regard tradeoffs plan`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from regard.tradeoffs.design_table import design_table
from regard.tradeoffs.estimate import estimate
from regard.tradeoffs.plan import MAX_TOKENS, RETRY_TOKENS, Plan, new_plan, planned_cells
from regard.tradeoffs.replica import RUNS as REPLICA_RUNS

PROGRAM = "regard tradeoffs plan"
FACTORIAL_RUNS = 5


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Write down what will be asked and how it will be judged, before any data.

    Commit the file before the run: the report says whether its commit precedes the first answer.

    Example: regard tradeoffs plan --size short --reading both --out plan.json
    """

    task: Literal["factorial", "replica"] = "factorial"
    """The instrument, or the source's own game as reconstructed from secondary sources."""
    size: Literal["full", "short"] = "full"
    """Of the factorial: all of it, or a few hundred cells that can show which gate fails."""
    reading: Literal["text", "logprob", "both"] = "text"
    """Sampled answers, log-probabilities of the labels, or both from the same calls."""
    runs: int | None = None
    """Text answers a cell; by default 5, and 50 for the replica as in the source."""
    max_tokens: int = MAX_TOKENS
    """Cap of an answer; models that reason before they answer need more."""
    retry_tokens: int = RETRY_TOKENS
    """Cap of the one second try where the first was cut off."""
    commit: str | None = None
    """Commit for the plan where git cannot tell it."""
    out: Path | None = None
    """Write the plan into this file; without it, only show what it would be."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON instead of text."""


def main(argv: Sequence[str]) -> int:
    """Writes a plan and prints what it comes to.

    Raises:
        TradeoffsError: A choice makes no plan, or the file exists.
    """
    options = tyro.cli(PlanOptions, prog=PROGRAM, args=list(argv))
    default_runs = REPLICA_RUNS if options.task == "replica" else FACTORIAL_RUNS
    plan = new_plan(
        options.task,
        size=options.size,
        reading=options.reading,
        runs=default_runs if options.runs is None else options.runs,
        max_tokens=options.max_tokens,
        retry_tokens=options.retry_tokens,
        commit=options.commit,
    )
    if options.out is not None:
        plan.write(options.out)
    summary = _summary(plan)
    print(json.dumps(summary, indent=2) if options.json else _text(summary, options.out))
    return 0


def _summary(plan: Plan) -> dict[str, Any]:
    cells = planned_cells(plan)
    size = estimate(plan, [(cell, plan.epochs) for cell in cells])
    return {
        "task": plan.task,
        "digest": plan.digest(),
        "design": plan.design_digest(),
        "criteria": plan.criteria,
        "prompts": plan.prompts,
        "commit": plan.commit,
        "written_at": plan.written_at,
        "cells": len(cells),
        "calls": size.calls,
        "input_tokens": round(size.input_tokens),
        "output_tokens": round(size.output_tokens),
        "most_output_tokens": round(size.most_output_tokens),
        "blocks": design_table(cells),
    }


def _text(summary: dict[str, Any], out: Path | None) -> str:
    lines = [
        f"{summary['task']}: {summary['cells']} cells, {summary['calls']} calls, about "
        f"{summary['input_tokens']} tokens in and {summary['output_tokens']} out "
        f"(at most {summary['most_output_tokens']})",
        f"plan {summary['digest'][:12]}, criteria {summary['criteria'][:12]}, "
        f"texts {summary['prompts'][:12]}, commit {summary['commit'][:12]}",
    ]
    for block in summary["blocks"]:
        lines.append(f"  {block['block']}: {block['cells']} cells")
        for name, verdict in block["interactions"].items():
            if verdict != "whole":
                lines.append(f"    {name}: {verdict}")
    if out is None:
        lines.append("not written: give --out FILE")
    else:
        lines.append(f"written to {out}; commit it, then regard tradeoffs run {out}")
    return "\n".join(lines)
