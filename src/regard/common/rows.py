"""Result rows: one measured figure each, with all that is needed to obtain it again."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from regard.common.device import describe_device
from regard.common.errors import UserError
from regard.common.repository import current_commit, repository_root

VERSIONED_PACKAGES = ("regard", "numpy", "torch", "transformers", "tokenizers", "xllamacpp")


class RowError(UserError):
    """A row that cannot be written or read."""


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One figure."""

    metric: str
    """What was measured: lower-case words joined by dots, the system first."""

    value: float
    """The figure, in `unit`."""

    unit: str
    """Unit of `value`, `low` and `high`; `1` for a ratio or a share."""

    n: int
    """Observations behind the figure."""

    low: float | None
    """Lower end of the interval that `notes` names; None without one."""

    high: float | None
    """Upper end of that interval; None without one."""

    command: str
    """The exact command that measures it again."""

    commit: str
    """The commit of the code that was measured."""

    device: str
    """The machine, in words."""

    versions: Mapping[str, str]
    """Versions of Python and of the packages that matter."""

    seed: int | None
    """Seed of the run; None where nothing is random."""

    date: str
    """When it was measured: ISO 8601, UTC."""

    notes: str = ""
    """What a reader must know to judge the figure."""

    def __post_init__(self) -> None:
        """Refuses a row that says nothing, or something impossible."""
        for name in ("metric", "unit", "command", "commit", "device", "date"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise RowError(f"{self.metric!r}: {name} is {value!r}; give a text")
        if self.n < 1:
            raise RowError(f"{self.metric!r}: n is {self.n}; a row needs an observation")
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise RowError(f"{self.metric!r}: {name} is {number}; give a finite number")
        if (self.low is None) != (self.high is None):
            raise RowError(f"{self.metric!r}: give both of low and high, or neither")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise RowError(f"{self.metric!r}: low {self.low} is above high {self.high}")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a benchmark knows of one figure; `write_rows` adds what the machine knows."""

    metric: str
    """As in `ResultRow`."""

    value: float
    """As in `ResultRow`."""

    unit: str
    """As in `ResultRow`."""

    n: int
    """As in `ResultRow`."""

    low: float | None = None
    """As in `ResultRow`."""

    high: float | None = None
    """As in `ResultRow`."""

    notes: str = ""
    """As in `ResultRow`."""

    extra_versions: Mapping[str, str] = field(default_factory=dict)
    """Versions that importlib does not know: a driver, a compiler."""


def write_rows(
    name: str,
    measurements: Iterable[Measurement],
    *,
    command: str,
    seed: int | None,
    commit: str | None = None,
    results: Path | None = None,
) -> list[ResultRow]:
    """Appends rows to `results/<name>.jsonl` and returns them.

    Args:
        name: File in the results folder, without its ending.
        measurements: The figures.
        command: The exact command that measures them again.
        seed: Seed of the run; None where nothing is random.
        commit: The measured commit, for a machine without git; else it is asked of git, and the
            working tree must then hold no change outside `results/`.
        results: The results folder; that of this repository by default.

    Raises:
        RowError: The tree has uncommitted changes, or a figure is impossible.
    """
    folder = repository_root() / "results" if results is None else results
    measured_commit = current_commit() if commit is None else commit
    device, date = describe_device(), datetime.now(UTC).isoformat(timespec="seconds")
    rows = []
    for measurement in measurements:
        given = {key: getattr(measurement, key) for key in _SHARED_FIELDS}
        rows.append(
            ResultRow(
                **given,
                command=command,
                commit=measured_commit,
                device=device,
                versions=package_versions() | dict(measurement.extra_versions),
                seed=seed,
                date=date,
            )
        )
    append_rows(folder / f"{name}.jsonl", rows)
    return rows


_SHARED_FIELDS = ("metric", "value", "unit", "n", "low", "high", "notes")


def append_rows(path: Path, rows: Iterable[ResultRow]) -> None:
    """Appends finished rows to one file."""
    lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)


def read_rows(results: Path | None = None) -> list[ResultRow]:
    """All rows of a results folder, file by file in the order of their names."""
    folder = repository_root() / "results" if results is None else results
    return [row for path in sorted(folder.glob("*.jsonl")) for row in read_file(path)]


def read_file(path: Path) -> list[ResultRow]:
    """The rows of one file."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            rows.append(parse_row(json.loads(line)))
        except (json.JSONDecodeError, RowError, TypeError) as error:
            raise RowError(f"{path.name} line {number}: {error}") from error
    return rows


def parse_row(data: Mapping[str, Any]) -> ResultRow:
    """One row from its JSON object; unknown and missing keys are refused by name."""
    known = {each.name for each in fields(ResultRow)}
    required = known - {"notes"}
    if unknown := sorted(data.keys() - known):
        raise RowError(f"unknown keys {unknown}; a row has {sorted(known)}")
    if missing := sorted(required - data.keys()):
        raise RowError(f"missing keys {missing}")
    return ResultRow(**data)


def package_versions(packages: Iterable[str] = VERSIONED_PACKAGES) -> dict[str, str]:
    """Versions of Python and of those packages that are installed."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
