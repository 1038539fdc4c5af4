"""Asking a plan's cells, and only those that no log holds yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from regard.tradeoffs.design import Cell
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import Plan, planned_cells
from regard.tradeoffs.preflight import ModelChoice, explain, open_model
from regard.tradeoffs.read_log import answers_by_cell, log_paths, read_header, read_samples

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

Display = Literal["none", "plain", "rich"]
SAMPLES_A_FLUSH = 20
"""Answers that a killed process loses, at most."""
RETRIES = 8
"""Of a call, with growing pauses; rate limits pass within them."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run asks."""

    log_dir: Path
    """Folder of this run's logs, and of no other's."""
    connections: int
    """Calls at once."""
    display: Display = "none"
    """What Inspect shows meanwhile."""
    commit: str | None = None
    """Checkout that asks, for the log; by default the one that runs."""


def missing(plan: Plan, model: str, log_dir: Path) -> list[tuple[Cell, int]]:
    """The cells that are still to be asked, each with how often.

    Raises:
        TradeoffsError: The folder holds a log of another plan or model.
    """
    answered: dict[str, int] = {}
    if log_dir.is_dir() and any(log_dir.glob("*.eval")):
        for path in log_paths(log_dir):
            header = read_header(path)
            _check_belongs(path, plan, model, header)
            for cell_id, count in answers_by_cell(read_samples(path)).items():
                answered[cell_id] = answered.get(cell_id, 0) + count
    left = [(cell, plan.epochs - answered.get(cell.cell_id, 0)) for cell in planned_cells(plan)]
    return [(cell, times) for cell, times in left if times > 0]


def run(
    plan: Plan, choice: ModelChoice, asked: Sequence[tuple[Cell, int]], options: RunOptions
) -> list[Path]:
    """Asks these cells and returns the logs.

    Raises:
        TradeoffsError: The run stopped early; what was answered is kept, and the same command
            goes on from there.
    """
    paths = []
    # A log asks all its cells equally often, so what a stopped run left is asked in groups.
    for times in sorted({times for _, times in asked}, reverse=True):
        cells = [cell for cell, each in asked if each == times]
        log = _ask(plan, choice, cells, times, options)
        paths.append(Path(log.location))
        if log.status != "success":
            raise TradeoffsError(_stopped(log, choice))
    return paths


def _ask(
    plan: Plan, choice: ModelChoice, cells: Sequence[Cell], times: int, options: RunOptions
) -> EvalLog:
    from inspect_ai import eval as inspect_eval

    from regard.tradeoffs.task import build_task

    settings: dict[str, Any] = {
        "log_dir": str(options.log_dir),
        "display": options.display,
        "max_connections": options.connections,
        "max_samples": options.connections,
        "max_retries": RETRIES,
        "log_buffer": SAMPLES_A_FLUSH,
        # The logs and the viewer on them are enough; nothing listens while a run lasts.
        "log_realtime": False,
        # Metrics of a run that is under way: a tenth of its time, and peeking.
        "score_display": False,
        "ctl_server": False,
    }
    try:
        logs = inspect_eval(
            build_task(plan, cells, epochs=times, commit=options.commit),
            model=open_model(choice),
            **settings,
        )
    except TradeoffsError:
        raise
    except Exception as error:  # an endpoint's error passes through Inspect as it came
        raise TradeoffsError(explain(error, choice.name)) from error
    return logs[0]


def _stopped(log: EvalLog, choice: ModelChoice) -> str:
    reason = log.error.message if log.error is not None else log.status
    line = " ".join(str(reason).split())[:200]
    return (
        f"{choice.name}: stopped: {line}; what was answered is kept in {log.location}, "
        "and the same command goes on from there"
    )


def _check_belongs(path: Path, plan: Plan, model: str, header: EvalLog) -> None:
    metadata = header.eval.metadata or {}
    if metadata["plan"] != plan.digest():
        raise TradeoffsError(
            f"{path} is a log of another plan ({metadata['plan'][:12]}, "
            f"not {plan.digest()[:12]}); give each run a folder of its own with --log-dir"
        )
    if header.eval.model != model:
        raise TradeoffsError(
            f"{path} is a log of model {header.eval.model!r}, not of {model!r}; "
            "give each run a folder of its own with --log-dir"
        )
