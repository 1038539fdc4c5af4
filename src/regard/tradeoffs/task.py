"""The two Inspect tasks: `replica` and `factorial`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Scorer

from regard.tradeoffs.design import Cell
from regard.tradeoffs.plan import Plan, new_plan, planned_cells, read_plan
from regard.tradeoffs.samples import samples_of
from regard.tradeoffs.scorers import choice, label_probability, tally
from regard.tradeoffs.solver import ask

VERSION = "1-A"
"""Number: raised when results stop being comparable. Letter: when the interface changes."""
TOP_LOGPROBS = 20
"""The most that common providers return."""


@task
def replica(plan: str | None = None, reading: str = "text", runs: int = 50) -> Task:
    """The source's game, reconstructed from secondary sources: 37 prompts, 50 runs, temperature 1.

    Args:
        plan: Path of a plan that fixes everything; without one, the run is exploratory.
        reading: `text`, `logprob` or `both`.
        runs: Answers a prompt.
    """
    chosen = read_plan(Path(plan)) if plan else new_plan("replica", reading=reading, runs=runs)
    return build_task(chosen, planned_cells(chosen), epochs=chosen.epochs)


@task
def factorial(
    plan: str | None = None, size: str = "full", reading: str = "text", runs: int = 5
) -> Task:
    """The game as a factorial design, with controls, prices, wordings, contexts and gates.

    Args:
        plan: Path of a plan that fixes everything; without one, the run is exploratory.
        size: `full` or `short`.
        reading: `text`, `logprob` or `both`.
        runs: Answers a cell.
    """
    if plan:
        chosen = read_plan(Path(plan))
    else:
        chosen = new_plan("factorial", size=size, reading=reading, runs=runs)
    return build_task(chosen, planned_cells(chosen), epochs=chosen.epochs)


def build_task(
    plan: Plan, cells: Sequence[Cell], *, epochs: int, commit: str | None = None
) -> Task:
    """The task that asks some cells of a plan.

    Args:
        plan: Says how they are asked; its hash, commit and time go into the log.
        cells: Which ones.
        epochs: How often each.
        commit: Checkout that asks; by default the one that runs.
    """
    scorers: list[Scorer] = [choice(), tally()] if plan.has_text else []
    if plan.has_logprob:
        scorers.append(label_probability())
    return Task(
        name=plan.task,
        dataset=MemoryDataset(samples_of(cells), name=plan.task),
        solver=ask(plan.retry_tokens if plan.has_text else 0),
        scorer=scorers,
        epochs=epochs,
        config=GenerateConfig(
            temperature=plan.temperature,
            max_tokens=plan.max_tokens if plan.has_text else 1,
            logprobs=plan.has_logprob or None,
            top_logprobs=TOP_LOGPROBS if plan.has_logprob else None,
        ),
        version=VERSION,
        metadata=plan.log_metadata(commit),
    )
