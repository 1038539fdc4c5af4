"""Whether a run was planned before it was made, and how many others of the model there are."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from regard.common.repository import RepositoryError, repository_root
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import UNKNOWN_COMMIT
from regard.tradeoffs.read_log import RunLog, read_header


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a reader must know before believing that the plan came first."""

    exploratory: bool
    """Whether anything below is missing: such a run suggests, and confirms nothing."""
    reasons: tuple[str, ...]
    """Why it is exploratory."""
    committed_at: str
    """Time of the plan's commit, ISO 8601; empty where git does not know it."""
    num_plans: int
    """Plans under which this model was asked, this one included."""
    num_logs: int
    """Logs of this model."""


def registration_of(run: RunLog, *, folder: Path) -> Registration:
    """Compares the plan's commit with the first sample, and counts.

    Args:
        run: The run.
        folder: Where all logs of all runs lie.
    """
    committed_at = _commit_time(run.plan_commit)
    reasons = []
    if run.plan_commit == UNKNOWN_COMMIT:
        reasons.append("the plan names no commit: it was written outside a clean checkout")
    elif not committed_at:
        reasons.append(
            f"the plan's commit {run.plan_commit[:12]} is not in this checkout's history"
        )
    if not run.first_sample_at:
        reasons.append("the logs do not say when the first answer was asked for")
    elif committed_at and not _earlier(committed_at, run.first_sample_at):
        reasons.append("the plan's commit is no earlier than the first answer")
    if run.first_sample_at and not _earlier(run.plan_written_at, run.first_sample_at):
        reasons.append("the plan was written after the first answer")
    if run.criteria != Criteria().digest():
        reasons.append("the criteria are not those that the plan names")
    plans, logs = _others(run, folder)
    return Registration(
        exploratory=bool(reasons),
        reasons=tuple(reasons),
        committed_at=committed_at,
        num_plans=len(plans | {run.plan}),
        num_logs=max(logs, len(run.paths)),
    )


def default_folder(log: Path) -> Path:
    """Two folders above a run's own."""
    own = (log if log.is_dir() else log.parent).resolve()
    return own.parents[min(1, len(own.parents) - 1)] if own.parents else own


def _commit_time(commit: str) -> str:
    """When a commit was made, empty where it is unknown."""
    if commit == UNKNOWN_COMMIT:
        return ""
    try:
        done = subprocess.run(
            ["git", "show", "--no-patch", "--format=%cI", commit, "--"],
            cwd=repository_root(),
            capture_output=True,
            text=True,
            check=True,
        )
    except (RepositoryError, OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _earlier(first: str, second: str) -> bool:
    """Whether one ISO 8601 time is before another; what cannot be read is not."""
    try:
        one, other = datetime.fromisoformat(first), datetime.fromisoformat(second)
        return one < other
    except (ValueError, TypeError):
        return False


def _others(run: RunLog, folder: Path) -> tuple[set[str], int]:
    """Plans and number of logs of the same model in a folder and below."""
    plans: set[str] = set()
    count = 0
    for path in sorted(folder.rglob("*.eval")):
        try:
            header = read_header(path)
        except TradeoffsError:
            # Logs of other tasks may lie there too.
            continue
        if header.eval.model == run.model:
            plans.add(str((header.eval.metadata or {}).get("plan")))
            count += 1
    return plans, count
