"""The three tasks: what is asked, when it is met, how long one may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

from regard.cloth import metrics
from regard.cloth.errors import ClothError
from regard.cloth.mesh import Array


@dataclass(frozen=True, kw_only=True)
class FoldCriteria:
    """When a fold is a success, in edge lengths of the cloth."""

    fold_distance: float = 0.15
    """Mean distance between the halves, at most."""

    corner_distance: float = 0.05 / 0.3
    """Each pair of corners that belong together, at most: 0.05 m on a cloth of 0.3 m, as in
    Hietala et al. (arXiv:2210.13066)."""

    base_drift: float = 0.07
    """Mean drift of the half that should stay, at most."""


@dataclass(frozen=True, kw_only=True)
class FlattenCriteria:
    """When a cloth is flat."""

    coverage: float = 0.85
    """Covered share of the flat cloth's area, at least. One row of the main engine's mesh, folded
    under where the gripper cannot take it, leaves 7/8."""


class Judgement(NamedTuple):
    """What the task says about a cloth."""

    performance: float
    """The task's performance, larger is better; in its own unit."""

    best_performance: float
    """What a perfect outcome would reach."""

    is_success: bool
    """Whether the criteria are met."""

    figures: Mapping[str, float]
    """The figures behind it, by name."""


class Task(Protocol):
    """What is asked of a cloth."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def horizon(self) -> int:
        """Control steps an episode may last."""

    def judge(self, positions: Array, start: Array, size: float) -> Judgement:
        """Judges the cloth.

        Args:
            positions: Vertices now, shape (n^2, 3).
            start: Vertices at the start of the episode, same shape.
            size: Edge of the flat cloth [m].
        """


@dataclass(frozen=True, kw_only=True)
class FoldTask:
    """Fold one half of the cloth onto the other, which is to stay where it is."""

    name: str
    """As on the command line."""

    fold: metrics.Fold
    """Over which line."""

    horizon: int
    """Control steps an episode may last."""

    criteria: FoldCriteria = FoldCriteria()
    """When it is met."""

    def judge(self, positions: Array, start: Array, size: float) -> Judgement:
        """Judges the fold."""
        found = metrics.fold_figures(self.fold, positions, start)
        is_success = (
            found.fold_distance <= self.criteria.fold_distance * size
            and found.corner_distance <= self.criteria.corner_distance * size
            and found.base_drift <= self.criteria.base_drift * size
        )
        figures = found._asdict()
        performance = figures.pop("performance")
        return Judgement(performance, 0.0, is_success, MappingProxyType(figures))


@dataclass(frozen=True, kw_only=True)
class FlattenTask:
    """Spread a crumpled cloth out, wherever and however turned."""

    name: str
    """As on the command line."""

    horizon: int
    """Control steps an episode may last."""

    max_start_coverage: float = 0.4
    """The crumpled cloth covers at most this share of its flat area."""

    criteria: FlattenCriteria = FlattenCriteria()
    """When it is met."""

    def judge(self, positions: Array, start: Array, size: float) -> Judgement:
        """Judges how flat it is."""
        covered = metrics.coverage(positions, size)
        is_success = covered >= self.criteria.coverage
        return Judgement(covered, 1.0, is_success, MappingProxyType({"coverage": covered}))


FOLD_DIAGONAL = FoldTask(name="fold-diagonal", fold="diagonal", horizon=80)
FOLD_AXIS = FoldTask(name="fold-axis", fold="axis", horizon=120)
FLATTEN = FlattenTask(name="flatten", horizon=200)
TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (FOLD_DIAGONAL, FOLD_AXIS, FLATTEN)}
)


def task_of(name: str) -> Task:
    """The task of that name.

    Raises:
        ClothError: There is none.
    """
    if name not in TASKS:
        raise ClothError(f"unknown task {name!r}; choose one of: {', '.join(TASKS)}")
    return TASKS[name]
