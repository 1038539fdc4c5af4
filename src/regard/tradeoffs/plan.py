"""The pre-registration: design, criteria and their hashes, written before any data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regard.common.repository import RepositoryError, current_commit
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import FULL, SHORT, Cell, DesignConfig, design_cells
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.prompts.catalogue import prompts_hash
from regard.tradeoffs.replica import replica_cells

FORMAT = 1
TASKS = ("factorial", "replica")
READINGS = ("text", "logprob", "both")
SIZES = {"full": FULL, "short": SHORT}
MAX_TOKENS = 64
RETRY_TOKENS = 1024
UNKNOWN_COMMIT = "unknown"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be asked, how, and by which criteria it will be judged."""

    task: str
    """`factorial` or `replica`."""
    design: DesignConfig
    """Cells of the factorial; the replica has its own 37."""
    reading: str
    """`text`, `logprob` or `both`."""
    runs: int
    """Text answers a cell; log-probabilities are asked once."""
    temperature: float = 1.0
    """Of text answers; at 0 every curve is a step."""
    max_tokens: int = MAX_TOKENS
    """Cap of an answer."""
    retry_tokens: int = RETRY_TOKENS
    """Cap of the second try where the first was cut off."""
    criteria: str
    """SHA-256 of the criteria (`Criteria.digest`)."""
    prompts: str
    """SHA-256 of the texts (`prompts_hash`)."""
    commit: str
    """Checkout that wrote the plan; `unknown` where it is none, or has uncommitted changes."""
    written_at: str
    """When, in UTC, ISO 8601."""

    def __post_init__(self) -> None:
        _choose("task", self.task, TASKS)
        _choose("reading", self.reading, READINGS)
        if self.runs < 1:
            raise TradeoffsError(f"runs: {self.runs}; ask at least once")
        if self.max_tokens < 1 or self.retry_tokens < self.max_tokens:
            raise TradeoffsError(
                f"caps: {self.max_tokens}, then {self.retry_tokens} tokens; "
                "the second is the larger one, both above 0"
            )

    @property
    def has_text(self) -> bool:
        """Whether answers are read as text."""
        return self.reading in ("text", "both")

    @property
    def has_logprob(self) -> bool:
        """Whether log-probabilities are read."""
        return self.reading in ("logprob", "both")

    @property
    def epochs(self) -> int:
        """How often a cell is asked: log-probabilities alone are the same each time."""
        return self.runs if self.has_text else 1

    def digest(self) -> str:
        """SHA-256 of the whole plan, hexadecimal."""
        return _digest(self._content())

    def design_digest(self) -> str:
        """SHA-256 of what is asked: task, cells and texts; alike in two plans of one design."""
        return _digest(
            {"task": self.task, "design": self.design.to_json(), "prompts": self.prompts}
        )

    def log_metadata(self, commit: str | None = None) -> dict[str, Any]:
        """What every log carries.

        Args:
            commit: Checkout that asks; by default the one that runs.
        """
        return {
            "plan": self.digest(),
            "plan_design": self.design_digest(),
            "plan_commit": self.commit,
            "plan_written_at": self.written_at,
            "plan_reading": self.reading,
            "plan_runs": self.runs,
            "criteria": self.criteria,
            "prompts": self.prompts,
            "commit": commit or commit_or_unknown(),
        }

    def write(self, path: Path) -> None:
        """Writes the plan; it is never overwritten, since a changed plan is another one.

        Raises:
            TradeoffsError: The file exists or cannot be written.
        """
        content = {"format": FORMAT, **self._content(), "digest": self.digest()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(content, indent=2) + "\n")
        except FileExistsError as error:
            raise TradeoffsError(f"{path} exists; a plan is not overwritten") from error
        except OSError as error:
            raise TradeoffsError(f"cannot write {path}: {error.strerror}") from error

    def _content(self) -> dict[str, Any]:
        return {**asdict(self), "design": self.design.to_json()}


def new_plan(
    task: str,
    *,
    size: str = "full",
    reading: str = "text",
    runs: int,
    max_tokens: int = MAX_TOKENS,
    retry_tokens: int = RETRY_TOKENS,
    commit: str | None = None,
) -> Plan:
    """A plan of today's texts, criteria and commit (or the one given).

    Raises:
        TradeoffsError: A choice is unknown.
    """
    _choose("size", size, tuple(SIZES))
    return Plan(
        task=task,
        design=SIZES[size],
        reading=reading,
        runs=runs,
        max_tokens=max_tokens,
        retry_tokens=retry_tokens,
        criteria=Criteria().digest(),
        prompts=prompts_hash(),
        commit=commit or commit_or_unknown(),
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_plan(path: Path) -> Plan:
    """Reads a plan and checks that it is what was written, and can be asked as it stands.

    Raises:
        TradeoffsError: The file is missing, changed, or of other texts or criteria than these.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("digest")
        written_format = content.pop("format")
        design = DesignConfig(**{name: tuple(v) for name, v in content.pop("design").items()})
        plan = Plan(design=design, **content)
    except FileNotFoundError as error:
        raise TradeoffsError(f"{path}: there is no such plan; `regard tradeoffs plan`") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TradeoffsError(f"{path} is no plan: {error}") from error
    if written_format != FORMAT or digest != plan.digest():
        raise TradeoffsError(f"{path} was changed after it was written; write a new plan")
    if plan.prompts != prompts_hash():
        raise TradeoffsError(f"{path}: the texts have changed since; write a new plan")
    if plan.criteria != Criteria().digest():
        raise TradeoffsError(f"{path}: the criteria have changed since; write a new plan")
    return plan


def planned_cells(plan: Plan) -> tuple[Cell, ...]:
    """The cells that a plan asks."""
    return replica_cells() if plan.task == "replica" else design_cells(plan.design)


def commit_or_unknown() -> str:
    """The commit that runs, or `unknown`: an installed package and a changed tree have none."""
    try:
        return current_commit()
    except RepositoryError:
        return UNKNOWN_COMMIT


def _choose(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise TradeoffsError(f"{name}: {value!r}; choose one of: {', '.join(allowed)}")


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
