"""Inspect logs become a table of cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.cells import KEYS, CellRow, to_frame
from regard.tradeoffs.errors import TradeoffsError

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSampleSummary

TASKS = ("factorial", "replica")
HEADER_FIELDS = ("plan", "plan_design", "plan_commit", "plan_written_at", "criteria", "prompts")
UNINFORMED = 0.5
"""`p_max` where no label was among the first tokens: its mass of 0 fails the gate."""


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """What one run of one plan with one model gave, from all its logs."""

    cells: pd.DataFrame
    """The table, as `cells.CellRow` describes it."""
    task: str
    """`factorial` or `replica`."""
    model: str
    """As Inspect names it."""
    plan: str
    """Digest of the plan that was asked."""
    plan_design: str
    """Digest of task, cells and texts: the same for two plans of one design."""
    plan_commit: str
    """Commit that wrote the plan."""
    plan_written_at: str
    """When the plan was written, ISO 8601."""
    criteria: str
    """Digest of the criteria written down in the plan."""
    prompts: str
    """Digest of the texts."""
    commit: str
    """Commit that asked; where the logs name several, all of them, oldest first."""
    first_sample_at: str
    """When the first answer was asked for, ISO 8601; empty where the logs do not say."""
    paths: tuple[Path, ...]
    """The logs."""
    num_truncated: int
    """Answers that ended at the cap twice; they count as unparsed and are our error."""
    num_errors: int
    """Samples that failed with an error; they stand in no cell and are asked again."""
    plan_runs: int = 0
    """Text answers a cell that the plan asks for; 0 where it asks for none."""

    @property
    def incomplete(self) -> str:
        """How many answers the cells have of those planned; empty where none is missing."""
        fewest, most = int(self.cells["n"].min()), int(self.cells["n"].max())
        if fewest >= self.plan_runs:
            return ""
        span = str(most) if fewest == most else f"{fewest} to {most}"
        return f"{span} of {self.plan_runs} planned answers a cell"


@dataclass
class _Count:
    """What the samples of one cell add up to."""

    n: int = 0
    n_max: int = 0
    n_refused: int = 0
    n_unparsed: int = 0
    n_dominated: int = 0
    shares: list[float] = field(default_factory=list)
    masses: list[float] = field(default_factory=list)


def log_paths(path: Path) -> list[Path]:
    """The logs in a folder, oldest first, or the one log that the path is.

    Raises:
        TradeoffsError: There is none.
    """
    found = sorted(path.glob("*.eval")) if path.is_dir() else [path] if path.is_file() else []
    if not found:
        raise TradeoffsError(f"{path}: there is no log (*.eval) of a run")
    return found


def read_run(path: Path, *, plan: str | None = None) -> RunLog:
    """Reads all logs of a run.

    Args:
        path: A log, or a folder with the logs of one run.
        plan: Digest of the plan that they must be of.

    Raises:
        TradeoffsError: A log cannot be read, is of another task, plan or model, or holds nothing.
    """
    paths = log_paths(path)
    logs = [read_header(each) for each in paths]
    headers = [log.eval.metadata or {} for log in logs]
    _check_same(paths, [str(header.get("plan")) for header in headers], "plan", expected=plan)
    _check_same(paths, [log.eval.model for log in logs], "model")
    samples = [sample for each in paths for sample in read_samples(each)]
    answered = [sample for sample in samples if _is_answered(sample)]
    if not answered:
        raise TradeoffsError(f"{path}: no sample was answered")
    return RunLog(
        cells=_table(answered),
        task=logs[0].eval.task.split("/")[-1],
        model=logs[0].eval.model,
        **{name: str(headers[0][name]) for name in HEADER_FIELDS},
        commit=", ".join(dict.fromkeys(str(header["commit"]) for header in headers)),
        first_sample_at=min((str(sample.started_at or "") for sample in answered), default=""),
        paths=tuple(paths),
        num_truncated=sum(_value(sample, "tally", "truncated") > 0 for sample in answered),
        num_errors=len(samples) - len(answered),
        plan_runs=_planned_runs(headers[0]),
    )


def _planned_runs(header: Mapping[str, Any]) -> int:
    return 0 if header.get("plan_reading") == "logprob" else int(header.get("plan_runs", 0))


def read_header(path: Path) -> EvalLog:
    """Reads what a log of one of our tasks says about its run.

    Raises:
        TradeoffsError: It cannot be read, or is of another task.
    """
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(str(path), header_only=True)
    except Exception as error:  # any of zipfile, JSON and pydantic, by what is broken
        raise TradeoffsError(f"{path} cannot be read as an Inspect log: {error}") from error
    if log.eval.task.split("/")[-1] not in TASKS or "plan" not in (log.eval.metadata or {}):
        raise TradeoffsError(f"{path} is a log of {log.eval.task!r}, not of the points game")
    return log


def read_samples(path: Path) -> list[EvalSampleSummary]:
    """The samples of a log without their transcripts: ten times as fast, and all that counts.

    Raises:
        TradeoffsError: They cannot be read.
    """
    from inspect_ai.log import read_eval_log_sample_summaries

    try:
        return read_eval_log_sample_summaries(str(path))
    except Exception as error:
        raise TradeoffsError(f"{path}: its samples cannot be read: {error}") from error


def answers_by_cell(samples: Iterable[EvalSampleSummary]) -> dict[str, int]:
    """How often each cell has been answered, by its id; errors left out."""
    counts: dict[str, int] = {}
    for sample in samples:
        if _is_answered(sample):
            counts[str(sample.id)] = counts.get(str(sample.id), 0) + 1
    return counts


def _check_same(
    paths: Sequence[Path], values: Sequence[str], name: str, *, expected: str | None = None
) -> None:
    wanted = values[0] if expected is None else expected
    for path, value in zip(paths, values, strict=True):
        if value != wanted:
            raise TradeoffsError(
                f"{path} is of another {name} ({value[:40]}, not {wanted[:40]}); "
                "keep each run's logs in a folder of its own"
            )


def _table(samples: Iterable[EvalSampleSummary]) -> pd.DataFrame:
    counts: dict[str, _Count] = {}
    keys: dict[str, dict[str, Any]] = {}
    for sample in samples:
        cell_id = str(sample.id)
        keys.setdefault(cell_id, {name: sample.metadata[name] for name in KEYS})
        _add(counts.setdefault(cell_id, _Count()), sample)
    rows = []
    for cell_id, count in counts.items():
        rows.append(
            CellRow(
                **keys[cell_id],
                n=count.n,
                n_max=count.n_max,
                n_refused=count.n_refused,
                n_unparsed=count.n_unparsed,
                n_dominated=count.n_dominated,
                p_max=_mean(count.shares),
                label_mass=_mean(count.masses),
            )
        )
    return to_frame(rows)


def _add(count: _Count, sample: EvalSampleSummary) -> None:
    scores = sample.scores or {}
    if "choice" in scores:
        count.n += 1
        count.n_max += _value(sample, "choice") == 1.0
        count.n_refused += _value(sample, "tally", "refused") > 0
        count.n_unparsed += _value(sample, "tally", "unparsed") > 0
        count.n_dominated += _value(sample, "tally", "dominated") > 0
    if "label_probability" in scores:
        mass = _value(sample, "label_probability", "label_mass")
        share = _value(sample, "label_probability", "p_max")
        count.masses.append(0.0 if isnan(mass) else mass)
        count.shares.append(UNINFORMED if isnan(share) else share)


def _value(sample: EvalSampleSummary, scorer: str, key: str | None = None) -> float:
    """A number of a score; NaN where it was not scored."""
    score = (sample.scores or {}).get(scorer)
    if score is None:
        return nan
    value = score.value
    if key is not None:
        # An unscored score is NaN at its root, whatever keys it has elsewhere.
        value = value[key] if isinstance(value, dict) else nan
    return float(value) if isinstance(value, int | float) else nan


def _is_answered(sample: EvalSampleSummary) -> bool:
    return sample.completed and sample.error is None and bool(sample.scores)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else nan
